-- failover.sql: a slot that standbys take over, since PostgreSQL 17; there failover_1.out is expected.
\pset format unaligned
\set VERBOSITY terse
SELECT 'made' FROM walgate.create_slot('regress', true);
SELECT to_jsonb(s)->'failover' AS failover FROM pg_replication_slots AS s;
SELECT walgate.drop_slot('regress');
SELECT 'made' FROM walgate.create_slot('regress', failover => false);
SELECT coalesce((to_jsonb(s)->>'failover')::boolean, false) AS failover FROM pg_replication_slots AS s;
SELECT walgate.drop_slot('regress');
