-- Where the rows of each source table are and which columns its changes had when they were last applied, so that what has
-- happened to its name and its columns since is known for what it was.

CREATE TABLE walgate.shapes (
  pipeline           text REFERENCES walgate.pipelines ON DELETE CASCADE,
  oid                oid,                -- of the source table, which it keeps whatever it is called
  source_schema      text NOT NULL,      -- the name under which its changes were last applied
  source_table       text NOT NULL,
  shape              jsonb NOT NULL,     -- its columns, the table of the target, and the columns there that they filled
  PRIMARY KEY (pipeline, oid)
);
COMMENT ON TABLE walgate.shapes IS 'the source tables whose changes were applied, as of the position';

ALTER TABLE walgate.tables
  ADD COLUMN accepted_at pg_lsn,         -- the transaction that a person lets through whatever it did to the table
  DROP CONSTRAINT tables_state_check,
  ADD CONSTRAINT tables_state_check CHECK (state IN ('streaming', 'left', 'recreated', 'ignored'));
COMMENT ON COLUMN walgate.migrations.source_lsn IS
  'where the source was: the announcement that asked for the migration, or the target''s position';
