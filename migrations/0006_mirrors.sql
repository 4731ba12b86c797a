-- Which Kafka a pipeline is mirrored into, so that a cluster that was wiped or exchanged is not taken for a new one.

CREATE TABLE walgate.mirrors (
  pipeline text PRIMARY KEY REFERENCES walgate.pipelines ON DELETE CASCADE,
  cluster text NOT NULL,                 -- Kafka's own id
  incarnation text NOT NULL,             -- drawn when the mirror was begun; the progress topic has it as well
  since timestamptz NOT NULL DEFAULT now(),
  gap_from pg_lsn,                       -- the topics lack changes after this one, which the source could not keep
  gap_to pg_lsn                          -- up to this one; null: where the mirror goes on is not known yet
);
COMMENT ON COLUMN walgate.mirrors.gap_from IS 'stands until every table was published again';
