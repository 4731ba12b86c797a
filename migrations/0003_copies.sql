-- How far the initial copy of each table has come, and which transactions its snapshot saw.

CREATE TABLE walgate.copies (
  pipeline           text REFERENCES walgate.pipelines ON DELETE CASCADE,
  source_schema      text,
  source_table       text,
  state              text NOT NULL CHECK (state IN ('waiting', 'copying', 'copied', 'excluded')),  -- excluded: only streamed
  again              boolean NOT NULL DEFAULT false,  -- waiting: what the target's table holds goes first
  left_publication   boolean NOT NULL DEFAULT false,  -- since it was copied: coming back it misses changes
  target             text NOT NULL DEFAULT '',  -- table that holds the rows; where the mapping names another, a copy is missing
  fingerprint        text,               -- of the source's files and of what is copied: where it differs, a part of a copy is worth nothing
  snapshot           pg_snapshot,        -- the rows on the target are as of it
  horizon            pg_lsn,             -- all transactions that the snapshot saw end before
  rows               bigint NOT NULL DEFAULT 0,
  rows_estimated     bigint,
  bytes              bigint NOT NULL DEFAULT 0,
  since              timestamptz NOT NULL DEFAULT now(),  -- of the state
  PRIMARY KEY (pipeline, source_schema, source_table)
);
COMMENT ON TABLE walgate.copies IS 'the initial copy of each table of a pipeline';

-- What was streamed before there was a copy goes on so.
INSERT INTO walgate.copies (pipeline, source_schema, source_table, state)
SELECT pipeline, source_schema, source_table, 'excluded' FROM walgate.tables;

CREATE TABLE walgate.copy_ranges (
  pipeline           text,
  source_schema      text,
  source_table       text,
  part               oid,                -- the table or the partition that was read
  first_block        bigint,
  end_block          bigint NOT NULL,    -- not itself a part of the range
  rows               bigint NOT NULL,
  bytes              bigint NOT NULL,
  PRIMARY KEY (pipeline, source_schema, source_table, part, first_block),
  FOREIGN KEY (pipeline, source_schema, source_table) REFERENCES walgate.copies ON DELETE CASCADE
);
COMMENT ON TABLE walgate.copy_ranges IS 'what a copy in progress has brought, all as of its snapshot';

-- The fence of sessions that write beside the applier: keeps others from taking the pipeline over until the transaction
-- ends, or raises because somebody has.
CREATE FUNCTION walgate.hold(of_pipeline text, under_epoch bigint) RETURNS void
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  PERFORM FROM walgate.progress WHERE pipeline = of_pipeline AND epoch = under_epoch FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'pipeline "%" is not under epoch % any more', of_pipeline, under_epoch
      USING ERRCODE = 'WG001', HINT = 'Another service has taken the pipeline over.';
  END IF;
END
$$;
