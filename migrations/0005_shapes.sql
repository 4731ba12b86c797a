-- The columns that each table of the source had when its changes were last applied, so that what has happened to them
-- since is known for what it was; and tables that changed their names.

ALTER TABLE walgate.tables
  ADD COLUMN shape jsonb,                -- the columns, and those of the target that they filled
  ADD COLUMN shape_at pg_lsn,            -- of the transaction that brought them, or where the source was
  ADD COLUMN accepted_at pg_lsn,         -- the transaction that a person lets through whatever it did to columns
  ADD COLUMN former_schema text,         -- the name that the table had before, until its first change is applied
  ADD COLUMN former_table text,
  DROP CONSTRAINT tables_state_check,
  ADD CONSTRAINT tables_state_check CHECK (state IN ('streaming', 'left', 'recreated', 'ignored'));
COMMENT ON COLUMN walgate.migrations.source_lsn IS
  'where the source was: the announcement that asked for the migration, or the target''s position';
