-- options.sql: options are checked, and none is ignored.
\set VERBOSITY terse
CREATE PUBLICATION a;
CREATE PUBLICATION "B, b";
SELECT 'made' FROM walgate.create_slot('regress');
-- missing and unknown
SELECT * FROM pg_logical_slot_get_changes('regress', NULL, NULL);
SELECT * FROM pg_logical_slot_get_changes('regress', NULL, NULL, 'format', 'json');
SELECT * FROM changes('a', 'publication_names', 'a');
SELECT * FROM changes('a', 'Format', 'json');
SELECT * FROM changes('a', 'messages', 'on', 'messages', 'on');
-- values
SELECT * FROM changes('');
SELECT * FROM changes('a,');
SELECT * FROM changes('a b');
SELECT * FROM changes('"a');
SELECT * FROM pg_logical_slot_get_changes('regress', NULL, NULL, 'publications', 'a', 'format', 'JSON');
SELECT * FROM changes('a', 'messages', 'perhaps');
SELECT * FROM changes('a', 'limit', '0');
SELECT * FROM changes('a', 'limit', '-1');
SELECT * FROM changes('a', 'limit', '99999999999999999999');
SELECT * FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'a', 'limit', '1');
-- another protocol
SELECT * FROM changes('a', 'protocol', 'two');
SELECT * FROM changes('a', 'protocol', '');
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT * FROM changes('a', 'protocol', '2');
\set VERBOSITY terse
-- what is right
SELECT * FROM changes('a, "B, b", A', 'protocol', '1', 'messages', 'off');
SELECT count(*) FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'a', 'format', 'binary');
-- the function for text refuses the binary format
SELECT * FROM pg_logical_slot_get_changes('regress', NULL, NULL, 'publications', 'a');
-- text is sent as it is stored
SET client_encoding = 'LATIN1';
SELECT * FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'a');
SELECT * FROM changes('a');
RESET client_encoding;
SELECT walgate.drop_slot('regress');
DROP PUBLICATION a, "B, b";
