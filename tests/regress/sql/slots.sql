-- slots.sql: create_slot, drop_slot, slots and peek, and what they refuse.
\pset format unaligned
\set VERBOSITY terse
CREATE ROLE regress_reader LOGIN;
CREATE ROLE regress_replicator LOGIN REPLICATION;
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE PUBLICATION "Pub, 1" FOR TABLE item;
-- making and dropping
SELECT walgate.create_slot('regress') AS lsn \gset
SELECT confirmed_flush_lsn = :'lsn' AS starts_there FROM pg_replication_slots WHERE slot_name = 'regress';
SELECT 'made' FROM walgate.create_slot('regress_2');
SELECT walgate.create_slot('regress');
SELECT walgate.create_slot('No good');
SELECT walgate.drop_slot('regress'), walgate.drop_slot('regress'), walgate.drop_slot('never_was');
SHOW lock_timeout;
BEGIN;
CREATE TABLE written (a int);
SELECT walgate.create_slot('regress');
ROLLBACK;
-- slots of others
SELECT 'made' FROM pg_create_physical_replication_slot('regress_physical');
SELECT 'made' FROM pg_create_logical_replication_slot('regress_pgoutput', 'pgoutput');
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT walgate.drop_slot('regress_physical');
SELECT walgate.drop_slot('regress_pgoutput');
SELECT * FROM walgate.peek('regress_pgoutput', 'Pub, 1');
-- rights
SET ROLE regress_reader;
SELECT walgate.create_slot('regress');
SELECT * FROM walgate.peek('regress_2', 'Pub, 1');
SELECT slot_name, database, active, active_pid, application_name, client_addr, retained_bytes >= 0 AS retained, wal_status,
       safe_wal_size > 0 AS safe, restart_lsn < confirmed_flush_lsn AS lsns FROM walgate.slots;
SELECT walgate.drop_slot('never_was');
SELECT walgate.drop_slot('regress_2');
SET ROLE regress_replicator;
SELECT 'made' FROM walgate.create_slot('regress');
SELECT walgate.drop_slot('regress_2');
RESET ROLE;
SELECT pg_drop_replication_slot('regress_physical'), pg_drop_replication_slot('regress_pgoutput');
-- a transaction that does not end: the wait does
\set VERBOSITY terse
BEGIN;
INSERT INTO item VALUES (100);
PREPARE TRANSACTION 'regress_waits';
SET lock_timeout = '100ms';
\set VERBOSITY default
SELECT walgate.create_slot('regress_waiting');
\set VERBOSITY terse
RESET lock_timeout;
ROLLBACK PREPARED 'regress_waits';
SELECT walgate.drop_slot('regress_waiting');
-- peek consumes nothing and stops at its limit, also inside a transaction
INSERT INTO item SELECT i, 'x' FROM generate_series(1, 5000) AS i;
INSERT INTO item VALUES (6000, 'y');
SELECT lsn IS NOT NULL AS lsn, xid = (change->>'xid')::xid AS xid, regexp_replace(change::text, ',"xid.*', '}') AS change FROM walgate.peek('regress', 'Pub, 1', 4);
SELECT count(*) FROM walgate.peek('regress', 'Pub, 1');
SELECT count(*) FROM walgate.peek('regress', 'Pub, 1', 100000);
SELECT count(*) FROM walgate.peek(slot => 'regress', publication => 'Pub, 1', "limit" => 7);
SELECT * FROM walgate.peek('regress', 'Pub, 1', 0);
SELECT * FROM walgate.peek('never_was', 'Pub, 1');
SELECT * FROM walgate.peek('regress', 'nope');
SET ROLE regress_replicator;
SELECT count(*) FROM walgate.peek('regress', 'Pub, 1', 5);
RESET ROLE;
-- a slot of another database
CREATE DATABASE regress_other;
\c regress_other
CREATE EXTENSION walgate;
SELECT slot_name, database FROM walgate.slots;
SELECT * FROM walgate.peek('regress', 'Pub, 1');
SELECT walgate.drop_slot('regress');
\c regression
DROP DATABASE regress_other;
DROP PUBLICATION "Pub, 1";
DROP TABLE item;
DROP ROLE regress_reader, regress_replicator;
