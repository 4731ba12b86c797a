-- The tables in which walgate remembers, on the target, what it has applied.

CREATE TABLE walgate.pipelines (
  name               text PRIMARY KEY,
  source_system      text NOT NULL,      -- system identifier of the source's cluster
  source_timeline    bigint NOT NULL,
  source_database    oid NOT NULL,
  slot               name NOT NULL,
  publications       name[] NOT NULL,
  target_system      text NOT NULL,      -- a cloned target must not eat the slot of its original
  target_database    oid NOT NULL,
  replica_role       boolean NOT NULL,   -- do our sessions run with session_replication_role = replica?
  start_lsn          pg_lsn NOT NULL,    -- the slot's position at registration
  registered_at      timestamptz NOT NULL DEFAULT now(),
  registered_by      name NOT NULL DEFAULT session_user
);
COMMENT ON TABLE walgate.pipelines IS 'one row per pipeline that fills tables of this database';

-- Written by every transaction of ours, so it is small and leaves room for HOT updates.
CREATE TABLE walgate.progress (
  pipeline           text PRIMARY KEY REFERENCES walgate.pipelines ON DELETE CASCADE,
  position           pg_lsn NOT NULL,
  epoch              bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON COLUMN walgate.progress.position IS 'end_lsn of the last source transaction that is applied';
COMMENT ON COLUMN walgate.progress.epoch IS 'grows when a service takes over; a session of an older epoch cannot commit';

CREATE TABLE walgate.services (
  pipeline           text PRIMARY KEY REFERENCES walgate.pipelines ON DELETE CASCADE,
  host               text NOT NULL,
  pid                integer NOT NULL,
  process_space      text NOT NULL,      -- where the pid means something: the machine's boot and the PID namespace
  version            text NOT NULL,
  started_at         timestamptz NOT NULL DEFAULT now(),
  slot_transactions  bigint NOT NULL DEFAULT 0   -- what pg_stat_replication_slots.total_txns was: names the reason when the slot has moved
);
COMMENT ON TABLE walgate.services IS 'the service that runs a pipeline, or ran it last';

CREATE TABLE walgate.errors (
  pipeline           text PRIMARY KEY REFERENCES walgate.pipelines ON DELETE CASCADE,
  lsn                pg_lsn,
  failure            jsonb NOT NULL,
  at                 timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE walgate.errors IS 'the standing error of a pipeline; gone once the position has passed it';

CREATE TABLE walgate.skips (
  pipeline           text REFERENCES walgate.pipelines ON DELETE CASCADE,
  lsn                pg_lsn,
  requested_at       timestamptz NOT NULL DEFAULT now(),
  requested_by       name NOT NULL DEFAULT session_user,
  skipped_at         timestamptz,
  changes            jsonb,             -- what was left out: counts per relation
  PRIMARY KEY (pipeline, lsn)
);
COMMENT ON TABLE walgate.skips IS 'transactions that a person chose to leave out';

-- The fence: moves the position from exactly the expected value under our epoch, or raises, so that neither a zombie nor
-- a later transaction of a failed pipeline can commit.
CREATE FUNCTION walgate.advance(of_pipeline text, under_epoch bigint, expected pg_lsn, new_position pg_lsn) RETURNS void
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  UPDATE walgate.progress SET position = new_position
  WHERE pipeline = of_pipeline AND epoch = under_epoch AND position = expected;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'position of pipeline "%" is not % under epoch % any more', of_pipeline, expected, under_epoch
      USING ERRCODE = 'WG001', HINT = 'Another service has taken the pipeline over, or somebody has changed walgate.progress.';
  END IF;
END
$$;
