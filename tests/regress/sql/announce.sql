-- announce.sql: a migration is announced in the transaction that needs it.
\set VERBOSITY terse
\pset format unaligned
CREATE TABLE item (id int PRIMARY KEY);
CREATE PUBLICATION pub FOR TABLE item;
SELECT 'made' FROM walgate.create_slot('regress');
BEGIN;
INSERT INTO item VALUES (1);
SELECT walgate.announce_migration('orders', '0007_priority') > '0/0' AS announced;
ALTER TABLE item ADD COLUMN priority int;
INSERT INTO item VALUES (2, 3);
COMMIT;
-- what was rolled back was never said
BEGIN;
SAVEPOINT early;
SELECT walgate.announce_migration('orders', '0008_more') > '0/0' AS announced;
ROLLBACK TO early;
INSERT INTO item VALUES (3, 3);
COMMIT;
SELECT * FROM changes('pub');
-- a change of the table behind its last row is told before the commit
BEGIN;
UPDATE item SET priority = 4 WHERE id = 3;
ALTER TABLE item RENAME priority TO urgency;
ALTER TABLE item RENAME TO thing;
COMMIT;
BEGIN;
DELETE FROM thing WHERE id = 3;
ALTER TABLE thing RENAME TO item;
DROP TABLE item;
ROLLBACK;
BEGIN;
DELETE FROM thing WHERE id = 3;
ALTER TABLE thing RENAME TO item;
COMMIT;
SELECT * FROM changes('pub');
-- names that nobody can have
SELECT walgate.announce_migration(NULL, '0007_priority');
SELECT walgate.announce_migration('Orders', '0007_priority');
SELECT walgate.announce_migration('', '0007_priority');
SELECT walgate.announce_migration('orders', NULL);
SELECT walgate.announce_migration('orders', '7_priority');
SELECT walgate.announce_migration('orders', '0000_priority');
SELECT walgate.announce_migration('orders', '0007_priority.sql');
SELECT walgate.announce_migration('orders', E'0007_priority\n');
SELECT walgate.announce_migration('orders', '0007_' || repeat('x', 200));
SELECT walgate.drop_slot('regress');
DROP PUBLICATION pub;
DROP TABLE item;
