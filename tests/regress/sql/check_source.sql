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
-- types that cannot travel
CREATE TYPE inner_part AS (tree pg_node_tree);
CREATE TYPE outer_part AS (n int, parts inner_part[]);
CREATE TYPE letter AS (body xml);
CREATE DOMAIN body AS xml;
CREATE DOMAIN bodies AS body[];
CREATE TABLE odd (id int PRIMARY KEY, tree pg_node_tree, "Parts" outer_part[], whole pg_class, letters letter, deep bodies[],
  gone pg_ndistinct, computed pg_mcv_list GENERATED ALWAYS AS (NULL) STORED,
  fine xml, fine2 body, fine3 bodies, fine4 oidvector, fine5 regclass[], fine6 aclitem, fine7 pg_snapshot);
ALTER TABLE odd DROP gone;
CREATE PUBLICATION odd_types FOR TABLE odd;
SELECT * FROM walgate.check_source('odd_types') WHERE severity = 'error';
ALTER PUBLICATION odd_types SET TABLE odd (id, letters, fine);
SELECT * FROM walgate.check_source('odd_types') WHERE severity = 'error';
DROP PUBLICATION odd_types;
DROP TABLE odd;
DROP DOMAIN bodies, body;
DROP TYPE letter, outer_part, inner_part;
-- partitions that are not logged
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE UNLOGGED TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
CREATE PUBLICATION by_leaf FOR TABLE parted;
SELECT * FROM walgate.check_source('by_leaf');
ALTER PUBLICATION by_leaf SET (publish_via_partition_root = true);
SELECT name, object FROM walgate.check_source('by_leaf');
ALTER TABLE parted_2 SET LOGGED;
SELECT name, object FROM walgate.check_source('by_leaf');
DROP PUBLICATION by_leaf;
DROP TABLE parted;
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
