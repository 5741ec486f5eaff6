from unfold.sites import UnfoldAdminSite
class BackOffice(UnfoldAdminSite): pass
