from clickhouse_backend.backend.creation import DatabaseCreation as Creation


class DatabaseCreation(Creation):
    def _destroy_test_db(self, test_database_name: str, verbosity: int) -> None:
        if not self.connection.cluster:
            super()._destroy_test_db(test_database_name, verbosity)
            return
        with self.connection.without_database():
            sql = f'DROP DATABASE IF EXISTS "{test_database_name}" SYNC'
            self.connection.schema_editor().on_every_node(sql)
