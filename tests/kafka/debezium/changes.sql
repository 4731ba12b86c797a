-- The changes of the comparison, statement by statement; "the_end" is written by the caller.
SET search_path = shop, public;
SET timezone = 'UTC';
INSERT INTO plain VALUES (1, 'bolt', 1.5);
INSERT INTO plain VALUES (2, NULL, NULL);
INSERT INTO plain VALUES (3, E'quote " backslash \\ slash / newline \n tab \t bell \x07 del \x7f umlaut äöü snowman ☃ smile 😀 separator \u2028 end', 1e300);
UPDATE plain SET name = 'big bolt' WHERE id = 1;
UPDATE plain SET id = 10 WHERE id = 1;
UPDATE plain SET id = 20, name = 'nut' WHERE id = 2;
DELETE FROM plain WHERE id = 10;
BEGIN; INSERT INTO plain VALUES (4, 'one', 1); INSERT INTO two_keys VALUES ('x', 'y', 1); UPDATE plain SET name = 'two' WHERE id = 4; COMMIT;
INSERT INTO required VALUES (1, 'bolt', 5, '2026-01-02 03:04:05Z');
UPDATE required SET stock = 6 WHERE id = 1;
DELETE FROM required WHERE id = 1;
UPDATE two_keys SET note = 'z';
UPDATE two_keys SET a = 2;
DELETE FROM two_keys;
INSERT INTO whole_identity VALUES (1, 'bolt', 1.50);
UPDATE whole_identity SET amount = 2.5;
UPDATE whole_identity SET id = 2;
DELETE FROM whole_identity;
INSERT INTO index_identity VALUES (1, 'a', 'bolt');
UPDATE index_identity SET name = 'nut';
UPDATE index_identity SET code = 'b';
DELETE FROM index_identity;
INSERT INTO no_key VALUES (1, 'x');
INSERT INTO "Mixed Case" VALUES (1, 'groß', 2, 3);
DELETE FROM "Mixed Case";

INSERT INTO number VALUES (1, 0, 0, 0, 0, 0, true, 0);
INSERT INTO number VALUES (2, -32768, -2147483648, -9223372036854775808, -1.5, -1.5, false, 4294967295);
INSERT INTO number VALUES (3, 32767, 2147483647, 9223372036854775807, 3.4028235e38, 1.7976931348623157e308, NULL, NULL);
INSERT INTO number VALUES (4, NULL, NULL, NULL, 0.1, 0.1, NULL, NULL);
INSERT INTO number VALUES (5, NULL, NULL, NULL, 1e-45, 5e-324, NULL, NULL);
INSERT INTO number VALUES (6, NULL, NULL, NULL, '-0', '-0', NULL, NULL);
INSERT INTO number VALUES (7, NULL, NULL, NULL, 'NaN', 'NaN', NULL, NULL);
INSERT INTO number VALUES (8, NULL, NULL, NULL, 'Infinity', '-Infinity', NULL, NULL);
INSERT INTO number VALUES (9, NULL, NULL, NULL, 16777216, 9007199254740993, NULL, NULL);

INSERT INTO decimal VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO decimal VALUES (2, 1.50, 1.5, 1.5, 1, 100, 0.0012, 1.5, 1.5);
INSERT INTO decimal VALUES (3, -101.00, -12345678.90, -1234567890123456789012345678.0123456789, -99999, -12300, -0.0099, -1, -12345.67);
INSERT INTO decimal VALUES (4, 1e40, 99999999.99, 9999999999999999999999999999.9999999999, 99999, 9999900, 0.0001,
                            1234567890123456789012345678901234567890123456789012345678901234567890.123456789012345678901234567890, 92233720368547758.07);
INSERT INTO decimal VALUES (5, 0.000000000000000000000000000000000000000000001, 0.01, 0.0000000001, -1, -100, 0, 0.000000000000000000000000000001, -0.01);
INSERT INTO decimal VALUES (6, 128, 1.28, -0.0000000128, 128, 12800, 0, 1e69, 1000000);
INSERT INTO decimal VALUES (7, -128, 327.68, -0.0000032768, -128, -12800, 0, -1e69, 0);
INSERT INTO decimal VALUES (8, 12345678901234567890.0001, 10000.00, 18446744073709551616, 10000, 10000, 0, 340282366920938463463374607431768211456, 0);
INSERT INTO decimal VALUES (9, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO decimal (id, n, n_10_2) VALUES (10, 'NaN', 'NaN');
INSERT INTO decimal (id, n) VALUES (11, 'Infinity');
INSERT INTO decimal (id, n) VALUES (12, '-Infinity');

INSERT INTO string VALUES (1, 'text', 'varchar', 'any', 'ab', 'name', 'c', '00112233-4455-6677-8899-aabbccddeeff', 'sad',
                           '{"a":  1, "a": [1, 2]}', '{"b": [1.0, null, true, "x"], "a": {}}', '<a b="1">text</a>');
INSERT INTO string VALUES (2, '', '', '', '', '', '', NULL, 'so so', 'null', 'null', '');
INSERT INTO string VALUES (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'happy "quoted"', '"text"', '"text"', NULL);
INSERT INTO domain VALUES (1, 'short', 12.5, 1, 11);
INSERT INTO domain VALUES (2, NULL, NULL, NULL, NULL);

INSERT INTO day VALUES (1, '2026-11-21', '12:34:56.789012', '12:34:56.789012', '12:34:56.789012', '12:34:56.789012', '12:34:56.789012+03', '12:34:56.789012+03', '12:34:56.789012-09:30');
INSERT INTO day VALUES (2, '1970-01-01', '00:00', '00:00', '00:00', '00:00', '00:00+00', '00:00+00', '00:00+00');
INSERT INTO day VALUES (3, '0001-01-01', '23:59:59.999999', '23:59:59', '23:59:59.999', '23:59:59.9999', '23:59:59.999999-12', '23:59:59-12', '23:59:59.999+14');
INSERT INTO day VALUES (4, '9999-12-31', '12:00', '12:00:01', '12:00:00.1', '12:00:00.01', '12:00:00.1+00', '12:00:30+00', '12:30:00+00');
INSERT INTO day (id, d) VALUES (5, '0044-03-15 BC');
INSERT INTO day (id, d) VALUES (6, '20000-01-01');
INSERT INTO day (id, d) VALUES (7, 'infinity');
INSERT INTO day (id, d) VALUES (8, '-infinity');

INSERT INTO day (id, d) VALUES (9, '4713-01-01 BC');
INSERT INTO day (id, d) VALUES (10, '5874897-12-31');
INSERT INTO day (id, t, tz) VALUES (11, '24:00', '24:00+00');

INSERT INTO moment VALUES (1, '2026-11-21 12:34:56.789012', '2026-11-21 12:34:56.789012', '2026-11-21 12:34:56.789012', '2026-11-21 12:34:56.789012',
                           '2026-11-21 12:34:56.789012+03', '2026-11-21 12:34:56.789012+03', '2026-11-21 12:34:56.789012+03');
INSERT INTO moment VALUES (2, '1970-01-01', '1970-01-01', '1970-01-01', '1970-01-01', '1970-01-01 00:00Z', '1970-01-01 00:00Z', '1970-01-01 00:00Z');
INSERT INTO moment VALUES (3, '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59', '1969-12-31 23:59:59.999', '1969-12-31 23:59:59.9999',
                           '1969-12-31 23:59:59.999999Z', '1969-12-31 23:59:59Z', '1969-12-31 23:59:59.999Z');
INSERT INTO moment VALUES (4, '2026-01-01 12:00:00.1', '2026-01-01 12:00:30', '2026-01-01 12:00:00.12', '2026-01-01 12:00:00.1234',
                           '2026-01-01 12:00:00.1Z', '2026-01-01 12:00:30Z', '2026-01-01 12:00:00.12Z');
INSERT INTO moment VALUES (5, '0044-03-15 12:00:00 BC', NULL, NULL, NULL, '0044-03-15 12:00:00Z BC', NULL, NULL);
INSERT INTO moment VALUES (6, '20000-01-01 01:02:03', NULL, NULL, NULL, '20000-01-01 01:02:03Z', NULL, NULL);
INSERT INTO moment VALUES (7, NULL, NULL, NULL, NULL, 'infinity', 'infinity', 'infinity');
INSERT INTO moment VALUES (8, NULL, NULL, NULL, NULL, '-infinity', '-infinity', '-infinity');

INSERT INTO moment (id, ts) VALUES (9, 'infinity');
INSERT INTO moment (id, ts) VALUES (10, '-infinity');
INSERT INTO moment (id, ts, tstz) VALUES (11, '4713-01-01 00:00:00 BC', '4713-01-01 00:00:00Z BC');
INSERT INTO moment (id, ts, tstz) VALUES (12, '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999Z');

INSERT INTO duration VALUES (1, '1 year 2 mons 3 days 04:05:06.789', '1 day 00:00:01.5', '2 days 03:04:05.678', '3 years 4 mons');
INSERT INTO duration VALUES (2, '0', '0', '0', '0');
INSERT INTO duration VALUES (3, '-1 year -2 mons +3 days -04:05:06.789012', '-1 day', '-2 days -03:04:05.678', '-3 years -4 mons');
INSERT INTO duration VALUES (4, '00:00:00.000001', '1 mon', '100:00:00', '1 mon');
INSERT INTO duration VALUES (5, '-00:00:00.000001', '-1 mon', '-100:00:00.5', '-1 mon');
INSERT INTO duration VALUES (6, '12345 days 23:59:59.999999', '59 sec', '59 min', '11 mons');

INSERT INTO bits VALUES (1, '\x00ff10', '1', '0', '1010101010', '1000000000000000000000000000000000000000000000000000000000000001', '101', '1', '101');
INSERT INTO bits VALUES (2, '', '0', '1', '0000000000', '0000000000000000000000000000000000000000000000000000000000000000', '', '0', '111111111111111111111111111111111');
INSERT INTO bits VALUES (3, '\xfffefdfcfb', NULL, NULL, '0000000001', NULL, '0000000011111111', NULL, '0000000000000000001');

INSERT INTO list VALUES (1, '{1,NULL,-2}', '{1,NULL,-2}', '{1,NULL,-2}', '{1.5,NULL}', '{1.5,NULL}', '{t,f,NULL}', '{"a b","q\"q",NULL,""}', '{abc,NULL}',
                         '{ab,NULL}', '{00112233-4455-6677-8899-aabbccddeeff,NULL}', '{"{\"a\": 1}",NULL}', '{"{\"a\": 1}",NULL}', '{"\\x00ff",NULL}',
                         '{1.50,NULL,-100}', '{1.50,NULL,-100}', '{2026-11-21,NULL,1970-01-02}', '{1,NULL}', '{sad,NULL,so so}', '{10.0.0.1/8,NULL}');
INSERT INTO list VALUES (2, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');
INSERT INTO list VALUES (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO list (id, i4) VALUES (4, '[5:6]={1,2}');
INSERT INTO list (id, i4) VALUES (5, '{{1,2},{3,4}}');
INSERT INTO list_of_times VALUES (1, '{12:34:56.789012,NULL}', '{12:34:56.789,NULL}', '{12:34:56.789+03,NULL}', '{2026-11-21 12:34:56.789012,NULL}',
                                  '{2026-11-21 12:34:56.789,NULL}', '{2026-11-21 12:34:56.789012+03,NULL}', '{1 day,NULL}');
INSERT INTO list_of_others VALUES (1, '{1.50,NULL}', '{a,NULL}', '{101,NULL}', '{1010101010,NULL}', '{<a/>,NULL}', '{"(1,2)",NULL}', '{a,NULL}', '{1.5,NULL}', '{11,NULL}', '{"[1,2)",NULL}');
INSERT INTO net VALUES (1, '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05');
INSERT INTO net VALUES (2, '10.0.0.1/8', '2001:db8::/32', '00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff:ff:ff');
INSERT INTO net VALUES (3, '2001:db8::1', '::/0', NULL, NULL);
INSERT INTO net VALUES (4, '::ffff:1.2.3.4/96', '0.0.0.0/0', NULL, NULL);
INSERT INTO net VALUES (5, '2001:0:0:1::1', '2001:db8:0:0:1::/80', NULL, NULL);
INSERT INTO range VALUES (1, '[1,5)', '[1,5]', '(1.50,2.5]', '[2026-01-01,2026-02-01)', '[2026-01-01 01:02:03.5,2026-01-02)', '[2026-01-01 01:02:03Z,2026-01-02 00:00Z)', '{[1,2),[5,7)}');
INSERT INTO range VALUES (2, 'empty', 'empty', 'empty', 'empty', 'empty', 'empty', '{}');
INSERT INTO range VALUES (3, '(,5)', '[1,)', '(,)', '(,infinity)', '(,infinity)', '[-infinity,)', NULL);
INSERT INTO other VALUES (1, '(1.5,-2)', '{1,2,3}', '(1,2),(3,4)', '<(1,2),3>', 'a fat:2B cat:1A,3', 'fat & cat', '16/B374D848', 'pg_class');

INSERT INTO toasted (id, n, t, j, jb, by, ta, ia, la, ua, x, c, na, fa, ba, da, tsa, bya, num)
  SELECT 1, 1, repeat('x', 2500), to_json(repeat('x', 2500)), to_jsonb(repeat('x', 2500)), decode(repeat('00', 2500), 'hex'),
         array_fill('x'::text, ARRAY[800]), array_fill(1, ARRAY[800]), array_fill(1::bigint, ARRAY[800]),
         array_fill('00112233-4455-6677-8899-aabbccddeeff'::uuid, ARRAY[200]), ('<a>' || repeat('x', 2500) || '</a>')::xml, 'x',
         array_fill(1.5, ARRAY[800]), array_fill(1.5::float8, ARRAY[800]), array_fill(true, ARRAY[800]), array_fill('2026-01-01'::date, ARRAY[800]),
         array_fill('2026-01-01'::timestamp, ARRAY[800]), array_fill('\x00'::bytea, ARRAY[800]), repeat('1', 5000)::numeric;
UPDATE toasted SET n = 2;
INSERT INTO toasted_key SELECT repeat('k', 2500), 1, repeat('x', 2500);
UPDATE toasted_key SET n = 2;
INSERT INTO extension VALUES (1, 'CaSe', 'a=>1, "b \"q\""=>NULL', 'Top.Science', '{Aa,NULL}', '{a.b,c}');
INSERT INTO extension VALUES (2, NULL, '', NULL, NULL, NULL);
INSERT INTO key_types VALUES (-1, '00112233-4455-6677-8899-aabbccddeeff', '2026-11-21 12:34:56.789Z', 12.5, '2026-11-21');
DELETE FROM key_types;
SELECT pg_logical_emit_message(true, 'audit', 'content "quoted"');
TRUNCATE plain;
TRUNCATE two_keys, whole_identity CASCADE;
BEGIN; INSERT INTO plain VALUES (7, 'late', 1); DELETE FROM plain WHERE id = 7; COMMIT;
