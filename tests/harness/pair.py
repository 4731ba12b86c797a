"""A source database and a target database, and the pipelines and roles between them."""
import itertools

from .compare import assert_same
from .pipeline import Pipeline
from .server import Database

_numbers = itertools.count(1)


class Pair:
    """Two fresh databases of a test."""

    def __init__(self, source: Database, target: Database):
        self.source, self.target = source, target
        self.pipelines: list[Pipeline] = []
        self._roles: list[tuple[Database, str]] = []

    def all_tables_with_generated(self) -> str:
        """What to publish where a key holds a generated column: 18 refuses updates of a table whose publication leaves
        out a part of the key."""
        with_generated = int(self.source.value("SHOW server_version_num")) >= 180000
        return "ALL TABLES WITH (publish_generated_columns = stored)" if with_generated else "ALL TABLES"

    def both(self, sql: str) -> None:
        """The same SQL on both sides."""
        self.source.execute(sql)
        self.target.execute(sql)

    def pipeline(self, publish: str | None = "ALL TABLES", name: str | None = None, **more) -> Pipeline:
        """A pipeline between the two, not started; `more` goes to Pipeline."""
        made = Pipeline(self.source, self.target, name or self.source.name, publish, **more)
        self.pipelines.append(made)
        return made

    def role(self, database: Database, options: str = "") -> str:
        """Makes a role without superuser rights that may log in, for as long as the databases live; returns its name."""
        name = f"walgate_role_{next(_numbers)}"
        database.execute(f"CREATE ROLE {name} LOGIN {options}")
        self._roles.append((database, name))
        return name

    def target_role(self, *tables: str) -> str:
        """A role that may do on the target what the service needs for `tables`, and cannot set session_replication_role."""
        role = self.role(self.target)
        self.target.execute(f'GRANT CREATE ON DATABASE "{self.target.name}" TO {role}')
        for table in tables:
            self.target.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {table} TO {role}")
        return role

    def assert_same(self, *tables: str) -> None:
        """Tables of one name hold the same rows on both sides."""
        for table in tables:
            assert_same(self.source, self.target, table)

    def close(self) -> None:
        for pipeline in self.pipelines:
            pipeline.close()
        for database in (self.source, self.target):
            if database.server.running:
                database.drop()
        # Origins belong to no database, and a server has room for few.
        if self.target.server.running:
            for pipeline in self.pipelines:
                self.target.server.rows("SELECT pg_replication_origin_drop(roname)::text FROM pg_replication_origin"
                                        " WHERE roname = %s OR starts_with(roname, %s)",
                                        f"walgate_{pipeline.name}", f"walgate_{pipeline.name} copy ")
        for database, role in self._roles:
            if database.server.running:
                database.server.execute(f"DROP ROLE {role}")
