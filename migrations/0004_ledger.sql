-- The ledger also tells what was applied of a pipeline's own migration files.

ALTER TABLE walgate.migrations
  ADD COLUMN number integer NOT NULL GENERATED ALWAYS AS (substr(id, 1, 4)::integer) STORED,
  ADD COLUMN state text NOT NULL DEFAULT 'done' CHECK (state IN ('running', 'done')),  -- running: no transaction
  ADD COLUMN duration interval,
  ADD COLUMN source_lsn pg_lsn,          -- of the announcement that asked for it; null: a person did
  ADD UNIQUE (scope, number);
COMMENT ON TABLE walgate.migrations IS 'the migrations that this database has seen';
COMMENT ON COLUMN walgate.migrations.scope IS '"walgate": walgate''s own tables; "pipeline:NAME": files of that pipeline';
COMMENT ON COLUMN walgate.migrations.checksum IS 'SHA-256 over the bytes of the file';
