-- What the topics of a mirror lack, because the source could not keep all of its changes for Kafka.

ALTER TABLE walgate.mirrors
  ADD COLUMN gap_from pg_lsn,            -- changes after this one are lacking
  ADD COLUMN gap_to pg_lsn;              -- up to this one; null: where the mirror goes on is not known yet
COMMENT ON COLUMN walgate.mirrors.gap_from IS 'stands until every table was published again';
