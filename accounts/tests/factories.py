import factory

from accounts.models import User


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A person whose password is “correct horse”."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    name = factory.Sequence(lambda n: f"Person {n}")
    password = factory.django.Password("correct horse")
