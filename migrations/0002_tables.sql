-- Which tables of the source the rows on the target come from, so that another table under the same name is noticed
-- also after a restart.

ALTER TABLE walgate.pipelines ADD COLUMN tables_known boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN walgate.pipelines.tables_known IS 'have the published tables been looked at once? What comes later has joined';

CREATE TABLE walgate.tables (
  pipeline           text REFERENCES walgate.pipelines ON DELETE CASCADE,
  source_schema      text,
  source_table       text,
  oid                oid NOT NULL,       -- of the source table whose rows the target holds
  as_of              pg_lsn,             -- where the source was when its catalog showed that table; null: the stream told first
  state              text NOT NULL CHECK (state IN ('streaming', 'left', 'recreated')),
  new_oid            oid NOT NULL DEFAULT 0,  -- of the table that has taken the name over
  accepted           boolean NOT NULL DEFAULT false,  -- may the changes of new_oid be applied?
  published          jsonb,              -- how the publications hold it, as the last look found it
  since              timestamptz NOT NULL DEFAULT now(),  -- of the state
  PRIMARY KEY (pipeline, source_schema, source_table)
);
COMMENT ON TABLE walgate.tables IS 'the published tables of a pipeline, those that left included';
