-- refusal.sql: a server that does not list the plugin refuses it, and we say what helps.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE ROLE regress_replicator LOGIN REPLICATION;
CREATE TABLE item (id int PRIMARY KEY);
CREATE PUBLICATION pub FOR TABLE item;
-- lists are read item by item
SELECT * FROM walgate._list_items('');
SELECT * FROM walgate._list_items('pgoutput, "My Plugin","a, b" , "q""q",walgate');
-- older minor releases know no such setting, and no refusal
SELECT current_setting('output_plugin_libraries', true) IS NULL AS unknown \gset
\if :unknown
\quit
\endif
SELECT 'made' FROM walgate.create_slot('regress');
SET output_plugin_libraries = pgoutput, "My Plugin";
SELECT walgate.create_slot('regress_2');
SELECT * FROM walgate.peek('regress', 'pub');
SELECT * FROM changes('pub');
SELECT severity, name, object, finding, remedy FROM walgate.check_source('pub') WHERE name = 'plugin_not_listed';
-- the statement works
SET output_plugin_libraries = 'pgoutput', 'My Plugin', 'walgate';
SELECT * FROM walgate.peek('regress', 'pub');
SELECT * FROM walgate.check_source('pub') WHERE name = 'plugin_not_listed';
-- one name with a comma in it
SET output_plugin_libraries = 'pgoutput, walgate';
SHOW output_plugin_libraries;
SELECT walgate.create_slot('regress_2');
SELECT finding, remedy FROM walgate.check_source('pub') WHERE name = 'plugin_not_listed';
-- an empty list
SET output_plugin_libraries = '';
SELECT walgate.create_slot('regress_2');
-- who may not see the list
SET ROLE regress_replicator;
SELECT walgate.create_slot('regress_2');
SELECT * FROM walgate.check_source('pub', 'regress_replicator') WHERE name = 'setting_not_visible';
RESET ROLE;
-- nothing stayed behind, and dropping needs no plugin
SELECT slot_name FROM walgate.slots;
SELECT walgate.drop_slot('regress');
RESET output_plugin_libraries;
DROP PUBLICATION pub;
DROP TABLE item;
DROP ROLE regress_replicator;
