"""A source database and a target database, and the pipelines between them."""
from .compare import assert_same
from .pipeline import Pipeline
from .server import Database


class Pair:
    """Two fresh databases of a test."""

    def __init__(self, source: Database, target: Database):
        self.source, self.target = source, target
        self.pipelines: list[Pipeline] = []

    def both(self, sql: str) -> None:
        """The same SQL on both sides."""
        self.source.execute(sql)
        self.target.execute(sql)

    def pipeline(self, publish: str | None = "ALL TABLES", name: str | None = None, **more) -> Pipeline:
        """A pipeline between the two, not started; `more` goes to Pipeline."""
        made = Pipeline(self.source, self.target, name or self.source.name, publish, **more)
        self.pipelines.append(made)
        return made

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
