"""The table of test_types.py: a type, and values of it worth carrying.  To add a type, add a line.

Values are SQL expressions, cast to the type; those that are "=" but not the same (1.0 and 1.00) stand side by side,
because a row is also updated from each value to the next.  Values of more than a kilobyte are not tried as keys.
"""

# Made on both sides, after the OIDs of the two have been shifted apart.
SETUP = """
CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE EXTENSION cube; CREATE EXTENSION seg;
CREATE EXTENSION isn; CREATE EXTENSION intarray;
CREATE SCHEMA "Odd.Schema";
CREATE TYPE mood AS ENUM ('sad', 'ok', 'very "happy"', 'it''s, {late}');
ALTER TYPE mood ADD VALUE 'glum' BEFORE 'ok';
CREATE TYPE "Odd.Schema"."Odd, ""Type"" 1" AS ENUM ('a', 'B b', 'ü');
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN small AS positive CHECK (value < 1000);
CREATE DOMAIN moody AS mood;
CREATE DOMAIN tags AS text[] CHECK (array_ndims(value) = 1);
CREATE DOMAIN shout AS citext;
CREATE DOMAIN price AS numeric(19,2);
CREATE DOMAIN short AS varchar(5);
CREATE DOMAIN letter AS xml;
CREATE TYPE place AS (name text, height numeric, mood mood, seen timestamptz);
CREATE TYPE styled AS (t timestamp, d date, i interval, f float8, r real, b bytea, c "char", m money, n numeric(10,3));
CREATE TYPE nested AS (id int, place place, places place[], small small, tags tags);
CREATE TYPE worn AS (a int, gone text, b text); ALTER TYPE worn DROP ATTRIBUTE gone; ALTER TYPE worn ADD ATTRIBUTE c float8;
CREATE DOMAIN home AS place CHECK ((value).name <> '');
CREATE TYPE moodrange AS RANGE (subtype = mood);
CREATE TYPE floatrange AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE timerange AS RANGE (subtype = time, multirange_type_name = timeranges);
CREATE TYPE styledrange AS RANGE (subtype = interval);
"""

BIG_TEXT = "(SELECT string_agg(md5(n::text), '' ORDER BY n) FROM generate_series(1, 32768) n)"
BIG_BYTES = "(SELECT string_agg(decode(md5(n::text), 'hex'), '' ORDER BY n) FROM generate_series(1, 65536) n)"
BIG_JSON = "(SELECT jsonb_object_agg(n, md5(n::text)) FROM generate_series(1, 25000) n)"
PLACE = "ROW('here, \"there\" (x) \\', 1.50, 'it''s, {late}', '2026-02-01 03:04:05.678901+09')::place"
NO_PLACE = "ROW(NULL, NULL, NULL, NULL)::place"
STYLED = ("ROW('2026-03-04 05:06:07.000001', '0044-03-15 BC', '-1 year 2 days -03:04:05.6', 0.1::float8 + 0.2, 1.1,"
          " '\\x00ff27', 'x', 1234.5, 1.5)::styled")

VALUES = {
    "bool": ["true", "false"],
    "smallint": ["-32768", "0", "32767"],
    "integer": ["-2147483648", "-1", "2147483647"],
    "bigint": ["-9223372036854775808", "0", "9223372036854775807"],
    "real": ["'NaN'", "'0'", "'-0'", "'Infinity'", "'-Infinity'", "1.4e-45", "1.1754942e-38", "3.4028235e38", "0.1"],
    "double precision": ["'NaN'", "'0'", "'-0'", "'Infinity'", "'-Infinity'", "4.9406564584124654e-324",
                         "2.2250738585072009e-308", "1.7976931348623157e308", "0.1::float8 + 0.2", "123456789.123456789"],
    "numeric": ["'NaN'", "'Infinity'", "'-Infinity'", "1", "1.0", "1.00", "0.000", "-0.000001", "1e100", "1e-100",
                "repeat('7', 1000)", "repeat('7', 500) || '.' || repeat('3', 500)", "repeat('9', 131072)",
                "'0.' || repeat('1', 16383)", "12345678901234567890.123456789"],
    "numeric(19,2)": ["1.5", "-99999999999999999.99", "'NaN'"],
    "numeric(3,-2)": ["12345", "-99900", "0"],
    "numeric(2,5)": ["0.00012", "-0.00099"],
    "numeric(1000,0)": ["repeat('8', 1000)"],
    "money": ["'-92233720368547758.08'", "'92233720368547758.07'", "0.01"],
    "text": ["''", "' '", "'NULL'", "'späß ✓ \U0001F600 e\u0301 \u00e9'", "E'a\\tb\\r\\nc\\\\d\\x01\\x7f'",
             "repeat('x', 100000)",
             BIG_TEXT],
    "varchar": ["''", "'a  '"],
    "varchar(10)": ["'a  '", "'ümläutß  '"],
    "char(5)": ["'a'", "''", "'ß a'"],
    "char": ["'a'", "' '"],
    '"char"': ["'x'", "''", "'\\377'", "' '"],
    "name": ["'a_name'", "''", "'ü \"q\"'", "repeat('n', 63)"],
    "bytea": ["''", "'\\x00'", "'\\x00ff105c27'", "decode(repeat('00ff', 50000), 'hex')", BIG_BYTES],
    "uuid": ["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
    "date": ["'4713-01-01 BC'", "'0044-03-15 BC'", "'infinity'", "'-infinity'", "'5874897-12-31'", "'2026-01-02'"],
    "time": ["'00:00'", "'23:59:59.999999'", "'24:00'"],
    "time(3)": ["'12:34:56.7894'"],
    "timetz": ["'12:00+05:30'", "'12:00:00-15:59:59'", "'24:00+00'", "'06:30+00'"],
    "timestamp": ["'-infinity'", "'infinity'", "'2026-02-03 04:05:06.789012'", "'4713-01-01 00:00 BC'",
                  "'0001-12-31 23:59:59.999999 BC'",
                  "'294276-12-31 23:59:59.999999'"],
    "timestamptz": ["'-infinity'", "'infinity'", "'2026-02-01 03:04:05.678901+09'",
                    "'1883-11-18 12:00:00 America/New_York'",
                    "'4713-01-01 00:00+00 BC'", "'294276-12-31 23:59:59.999999+00'"],
    "timestamptz(0)": ["'2026-02-01 03:04:05.678901+09'"],
    "interval": ["'1 year -2 months 3 days -04:05:06.789'", "'1 mon'", "'30 days'", "'720:00'", "'-1 day'", "'0'",
                 "'178000000 years'", "'-178000000 years -2147483648 days'", "'0.000001 s'"],
    "interval day to second(2)": ["'3 days 04:05:06.789'"],
    "bit": ["B'0'", "B'1'"],
    "inet": ["'192.168.1.5/24'", "'192.168.1.5'", "'::1'", "'fe80::1/10'", "'0.0.0.0/0'", "'1.2.3.4/0'"],
    "cidr": ["'10.0.0.0/8'", "'::/0'", "'10.0.0.0/16'", "'2001:db8::/32'"],
    "macaddr": ["'08:00:2b:01:02:03'", "'ff:ff:ff:ff:ff:ff'"],
    "macaddr8": ["'08:00:2b:01:02:03:04:05'"],
    "bit(5)": ["B'10101'", "B'00000'"],
    "bit(1000)": ["repeat('10', 500)"],
    "bit varying": ["B''", "B'101'", "B'1010'", "B'10100000'", "B'101000000'"],
    "bit varying(9)": ["B'101010101'"],
    "json": ["'{\"b\": 1,  \"a\":[1,2], \"a\": 1.10e+1}'", "'null'", "'\"\\u00e9\\u0000\"'", "E'  [\\n1 ]  '"],
    "jsonb": ["'{\"b\": 1.10, \"a\": [null, true], \"\": {}}'", "'null'", "'1'", "'1.0'", "'\"ü\"'", "'[]'",
              "'1e400'", BIG_JSON],
    "jsonpath": ["'$.a[*] ? (@.b > 1.50)'", "'strict $'", "'lax $.\"x y\".size()'"],
    "xml": ["'<a>b</a>'", "'text <b/> more'", "'<?xml version=\"1.0\" standalone=\"yes\"?><a>ü</a>'",
            "'<!DOCTYPE a><a/>'", "'<?xml version=\"1.0\" encoding=\"LATIN1\"?><a>ü</a>'",
            "'<?xml version=''1.0''?><a/>'", "''", "repeat('<a/>', 50000)"],
    "point": ["'(1.5,-2)'", "'(NaN,-0)'", "'(Infinity,1e-307)'"],
    "line": ["'{1,-1,0.1}'", "'{1,0,-0}'"],
    "lseg": ["'[(1,2),(3.1,4)]'"],
    "box": ["'(3,4),(1,2)'", "'(-0,0),(0,-0)'", "'(NaN,1),(2,NaN)'"],
    "path": ["'[(0,0),(1,1),(0.1,2)]'", "'((0,0),(1,1),(2,0))'", "'[(NaN,Infinity)]'"],
    "polygon": ["'((0,0),(1,1),(1,0))'", "'((0.1,0))'", "'((1,1),(0,0),(NaN,1))'"],
    "circle": ["'<(0.1,-2),3.3>'", "'<(0,0),0>'", "'<(1,1),NaN>'"],
    "tsvector": ["to_tsvector('simple', 'a fat cat')", "''", "'''it''''s'':1A,2B,16383C \"ü\" b'", "'a:1 b:2D c'"],
    "tsquery": ["to_tsquery('simple', 'fat & cat')", "''", "'a <-> b <3> (c | !d)'", "'it:*AB & ''x y'':C'"],
    "pg_lsn": ["'16/B374D848'", "'0/0'", "'FFFFFFFF/FFFFFFFF'"],
    "pg_snapshot": ["'10:20:10,14,15'", "'1:9223372036854775807:'"],
    "txid_snapshot": ["'10:20:10,14,15'"],
    "xid": ["'4294967295'"],
    "xid8": ["'18446744073709551615'", "'0'"],
    "cid": ["'4294967295'"],
    "tid": ["'(4294967295,65535)'", "'(0,0)'"],
    "oid": ["4294967295", "0"],
    "oidvector": ["'1 2 4294967295'", "''"],
    "int2vector": ["'1 -2 32767'", "''"],
    "refcursor": ["'a cursor'"],
    "aclitem": ["'postgres=r*w/postgres'", "'=X/postgres'"],
    "regclass": ["'pg_class'", "0", "'\"Odd.Schema\".\"Odd \"\"Table\"'", "4294967295"],
    "regtype": ["'integer'", "'mood'", "'place[]'", "0", "'time with time zone'"],
    "regproc": ["'now'", "0"],
    "regprocedure": ["'lower(text)'", "'abs(bigint)'", "0"],
    "regoper": ["'pg_catalog.||/'", "0"],
    "regoperator": ["'+(int4,int4)'", "0"],
    "regrole": ["'postgres'", "0"],
    "regnamespace": ["'pg_catalog'", "'\"Odd.Schema\"'", "0"],
    "regconfig": ["'simple'"],
    "regdictionary": ["'simple'"],
    "regcollation": ["'\"C\"'"],

    "int[]": ["'{}'", "'{NULL}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[5:6]={7,8}'", "'[-1:0][2:3]={{1,NULL},{3,4}}'",
              "'[-2147483648:-2147483648]={1}'", "array_fill(NULL::int, ARRAY[0])",
              "'{{{{{{1}}}}}}'", "(SELECT array_agg(n * 7919) FROM generate_series(1, 260000) n)"],
    "text[]": ["ARRAY['a,b', NULL, 'NULL', '\"q\"', '{}', '', ' ', 'ü\\']", "'{}'",
               "string_to_array(repeat('ab c ', 30000), ' ')"],
    "text[3][2]": ["'{{a,b},{c,d}}'", "'{x}'"],
    "numeric[]": ["'{1,1.0,NaN,-Infinity}'", "'{1.0,1,NaN,-Infinity}'"],
    "float8[]": ["'{NaN,-0,4.9406564584124654e-324,Infinity}'"],
    "timestamptz[]": ["ARRAY['infinity', '2026-02-01 00:00+00', NULL]::timestamptz[]"],
    "interval[]": ["'{1 mon,30 days,-1 day}'"],
    "bytea[]": ["ARRAY['\\x00ff', '', NULL]::bytea[]"],
    "char(3)[]": ["'{a,bc}'"],
    '"char"[]': ["ARRAY['a', '\\377', '']::\"char\"[]"],
    "varbit[]": ["ARRAY[B'101', B'']::varbit[]"],
    "jsonb[]": ["ARRAY['{\"a\": 1.0}', 'null', NULL]::jsonb[]"],
    "point[]": ["ARRAY['(1,2)', NULL]::point[]"],
    "box[]": ["ARRAY['(1,1),(0,0)', '(2,2),(0.1,1)']::box[]"],
    "regclass[]": ["ARRAY['pg_class', 'pg_type']::regclass[]"],
    "aclitem[]": ["ARRAY['postgres=r/postgres', '=X/postgres']::aclitem[]"],
    "xml[]": ["ARRAY['<?xml version=\"1.0\" encoding=\"LATIN1\"?><a b=\"{1,2}\"/>', NULL, '']::xml[]",
              "'[0:1]={<a/>,\"\\\"x\\\"\"}'"],
    "oidvector[]": ["ARRAY['1 2', '']::oidvector[]"],
    "int4range[]": ["ARRAY['[1,5)', 'empty', NULL]::int4range[]"],

    "int4range": ["'[1,5)'", "'empty'", "'(,)'", "'(,3)'", "'[3,)'"],
    "int8range": ["'[-9223372036854775808,9223372036854775807)'"],
    "numrange": ["'[1.0,2.00]'", "'[1,2]'", "'(NaN,)'", "'[-Infinity,Infinity)'"],
    "daterange": ["'[2026-01-01,infinity)'", "'(-infinity,0044-03-15 BC)'"],
    "tsrange": ["'[2026-01-02 03:04:05.678,infinity]'"],
    "tstzrange": ["'[2026-01-01 00:00+00, infinity)'", "'(,294276-12-31 23:59:59.999999+00]'"],
    "int4multirange": ["'{}'", "'{(,1),[5,9),[20,)}'"],
    "int8multirange": ["'{[1,2), [5,9)}'"],
    "nummultirange": ["'{[1.0,2.00],(3,4]}'"],
    "datemultirange": ["'{[2026-01-01,2026-02-03)}'"],
    "tsmultirange": ["'{[2026-01-02 03:04,2026-01-02 03:05]}'"],
    "tstzmultirange": ["'{(,2026-01-02 03:04+00),[2026-01-02 03:05+09,)}'"],

    "mood": ["'sad'", "'very \"happy\"'", "'it''s, {late}'", "'glum'"],
    "mood[]": ["ARRAY['sad', NULL, 'very \"happy\"', 'it''s, {late}']::mood[]", "'{}'", "'[2:3]={ok,glum}'"],
    '"Odd.Schema"."Odd, ""Type"" 1"': ["'a'", "'B b'", "'ü'"],
    '"Odd.Schema"."Odd, ""Type"" 1"[]': ["ARRAY['B b', 'ü', NULL]::\"Odd.Schema\".\"Odd, \"\"Type\"\" 1\"[]"],
    "positive": ["5", "2147483647"],
    "small": ["1", "999"],
    "small[]": ["'{1,999,NULL}'"],
    "moody": ["'glum'", "'sad'"],
    "moody[]": ["'{glum,sad}'"],
    "tags": ["'{a,NULL,\"b c\"}'"],
    "shout": ["'a'", "'A'"],
    "price": ["1.5", "'NaN'"],
    "short": ["'a  '", "'ß'"],
    "place": [PLACE, NO_PLACE, "ROW('', -0.00, 'sad', 'infinity')::place"],
    "place[]": [f"ARRAY[{PLACE}, NULL, {NO_PLACE}]", "'{}'"],
    "styled": [STYLED],
    "styled[]": [f"ARRAY[{STYLED}]"],
    "nested": [f"ROW(1, {PLACE}, ARRAY[{PLACE}, NULL], 7, ARRAY['x', NULL])::nested",
               f"ROW(NULL, NULL, '{{}}', NULL, ARRAY[{BIG_TEXT}])::nested"],
    "worn": ["ROW(1, 'b', '-0')::worn"],
    "home": [PLACE],
    "moodrange": ["'[sad,\"very \\\"happy\\\"\"]'", "'empty'", "'(,ok)'"],
    "moodmultirange": ["'{[sad,glum),[\"it''s, {late}\",)}'"],
    "floatrange": ["'[0.1,0.30000000000000004)'", "'[-0,NaN]'"],
    "timeranges": ["'{[01:00,02:00),(03:00:00.000001,24:00]}'"],
    "styledrange": ["'[1 mon,1 year -1 day]'", "'[30 days,1 year)'"],
    "styledrange[]": ["ARRAY['[1 mon,2 mon)']::styledrange[]"],

    "citext": ["'a'", "'A'", "'ß ü'"],
    "citext[]": ["'{a,A,NULL}'", "'{A,a,NULL}'"],
    "hstore": ["'a=>1, b=>NULL, \"c d\"=>\"x \\\" y\"'", "''", "hstore('big', " + BIG_TEXT + ")"],
    "hstore[]": ["ARRAY['a=>1', NULL]::hstore[]"],
    "letter": ["'<?xml version=\"1.0\" encoding=\"LATIN1\"?><a/>'"],
    "letter[]": ["ARRAY['<?xml version=\"1.0\"?><a/>']::letter[]"],
    "ltree": ["'Top.Science.Astronomy'", "''"],
    "ltree[]": ["'{a.b,c}'"],
    "lquery": ["'*.Astro*{1,2}.!x|y'"],
    "ltxtquery": ["'Europe & Russia*@ & !Transport'"],
    "cube": ["'(1,2.5),(-0,4)'", "'(0.1)'"],
    "seg": ["'1.5 .. 2.50'", "'<3'"],
    "isbn": ["'978-0-393-04002-9'"],
    "query_int": ["'1&(2|!3)'"],
}
