from decimal import Decimal
from typing import Any

from clickhouse_backend.backend.operations import DatabaseOperations as Operations
from clickhouse_backend.driver.escape import escape_param
from django.db.models import DecimalField
from django.db.models.expressions import Col

from tracking.clickhouse.tables import TABLES, local_name


class DatabaseOperations(Operations):
    compiler_module = "tracking.clickhouse.compiler"

    def literal(self, value: str) -> str:
        """A text as SQL writes it."""
        return str(escape_param(value, {}))

    def datetime_trunc_sql(
        self, lookup_type: str, sql: str, params: Any, tzname: str | None
    ) -> tuple[str, Any]:
        """Django wants a moment, where ClickHouse answers weeks and longer by a day."""
        sql, params = super().datetime_trunc_sql(lookup_type, sql, params, tzname)
        if lookup_type in ("week", "month", "quarter", "year"):
            sql = f"toDateTime64({sql}, 0, '{tzname or 'UTC'}')"
        return sql, params

    def get_db_converters(self, expression: Any) -> list[Any]:
        """ClickHouse drops the zeros at the end of an amount."""
        found: list[Any] = super().get_db_converters(expression)
        if isinstance(expression, Col) and isinstance(expression.output_field, DecimalField):
            unit = Decimal(1).scaleb(-expression.output_field.decimal_places)
            found.append(lambda value, *_: value if value is None else value.quantize(unit))
        return found

    def execute_sql_flush(self, sql_list: list[str]) -> None:
        """A distributed table has no rows of its own that could be truncated."""
        for table in TABLES if self.connection.cluster else ():
            if any(f'"{table}"' in sql for sql in sql_list):
                sql = f'TRUNCATE TABLE "{local_name(table)}"'
                self.connection.schema_editor().on_every_node(sql)
        others = [sql for sql in sql_list if not any(f'"{table}"' in sql for table in TABLES)]
        super().execute_sql_flush(others if self.connection.cluster else sql_list)
