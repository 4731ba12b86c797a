-- check_source.sql: one finding for each thing that stands in the way.
CREATE ROLE regress_service LOGIN REPLICATION;
CREATE ROLE regress_group REPLICATION;
CREATE ROLE regress_member LOGIN IN ROLE regress_group;
CREATE TABLE good (id int PRIMARY KEY);
CREATE TABLE keyless (a int);
CREATE TABLE "Unique" (a int NOT NULL UNIQUE, b int UNIQUE);
CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE);
CREATE TABLE nothing (id int PRIMARY KEY);
ALTER TABLE nothing REPLICA IDENTITY NOTHING;
CREATE TABLE whole (a int);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE lost_index (id int NOT NULL);
CREATE UNIQUE INDEX lost ON lost_index (id);
ALTER TABLE lost_index REPLICA IDENTITY USING INDEX lost;
DROP INDEX lost;
CREATE PUBLICATION fine FOR TABLE good;
CREATE PUBLICATION empty;
CREATE PUBLICATION mixed FOR TABLE good, keyless, "Unique", deferred, nothing, whole, lost_index;
CREATE PUBLICATION appended FOR TABLE keyless WITH (publish = 'insert');
\x on
\t on
-- nothing to find
SELECT * FROM walgate.check_source('fine');
-- the publication and its tables
SELECT * FROM walgate.check_source('none yet');
SELECT * FROM walgate.check_source('empty');
SELECT * FROM walgate.check_source('appended');
SELECT * FROM walgate.check_source('mixed');
-- the remedies are statements that work
ALTER TABLE public."Unique" REPLICA IDENTITY USING INDEX "Unique_a_key";
ALTER TABLE public.nothing REPLICA IDENTITY DEFAULT;
SELECT object FROM walgate.check_source('mixed');
-- a row filter and values that the WAL leaves out
CREATE TABLE filtered (id int PRIMARY KEY, body text, amount numeric, n int);
CREATE PUBLICATION some_rows FOR TABLE filtered WHERE (id > 0);
SELECT * FROM walgate.check_source('some_rows');
ALTER PUBLICATION some_rows SET TABLE filtered (id, n) WHERE (id > 0);
SELECT * FROM walgate.check_source('some_rows');
DROP PUBLICATION some_rows;
DROP TABLE filtered;
-- the role
SELECT * FROM walgate.check_source('fine', 'regress_service') WHERE name <> 'plugin_not_listed';
GRANT SELECT ON good TO regress_service;
SELECT * FROM walgate.check_source('fine', 'regress_service');
SELECT * FROM walgate.check_source('fine', 'regress_member') WHERE severity = 'error';
SELECT * FROM walgate.check_source('fine', 'regress_group') WHERE severity = 'error';
SELECT * FROM walgate.check_source('fine', 'regress_nobody');
REVOKE CONNECT ON DATABASE regression FROM PUBLIC;
SELECT * FROM walgate.check_source('fine', 'regress_service');
GRANT CONNECT ON DATABASE regression TO PUBLIC;
SELECT * FROM walgate.check_source(NULL);
-- what a role may not see it says; an older minor release has nothing to see
SET ROLE regress_service;
SELECT severity, name, object FROM walgate.check_source('fine') WHERE name <> 'setting_not_visible';
RESET ROLE;
-- slots
SELECT 'made' FROM generate_series(1, 8) AS i, pg_create_physical_replication_slot('regress_' || i);
SELECT * FROM walgate.check_source('fine');
SELECT count(pg_drop_replication_slot('regress_' || i)) FROM generate_series(1, 8) AS i;
\x off
\t off
DROP PUBLICATION fine, empty, mixed, appended;
DROP TABLE good, keyless, "Unique", deferred, nothing, whole, lost_index;
DROP ROLE regress_service, regress_member, regress_group;
