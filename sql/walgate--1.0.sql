-- walgate--1.0.sql - what SQL may call on the source server.
--
-- All of it runs with the rights of its caller.  The control file names the schema; this script does not create it.
-- A name that begins with _ is ours alone.
\echo Use "CREATE EXTENSION walgate" to load this file. \quit

-- Names alone: what may be read or done is decided by the rights of the caller.
GRANT USAGE ON SCHEMA walgate TO PUBLIC;

---------------------------------------------------------------------------------------------------
-- The output plugin and the server's list of libraries
---------------------------------------------------------------------------------------------------

-- The items of a list of names as SHOW prints it: "a b" is one item, and so is "a, b".
CREATE FUNCTION walgate._list_items(list text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(replace(part[1], '""', '"'), part[2])
    FROM regexp_matches(list, '"((?:[^"]|"")*)"|([^",\s]+)', 'g') AS part;
$$;

-- The statements that let the server load the plugin.  ALTER SYSTEM replaces the whole list, so they repeat what is
-- there; each item is quoted by itself, because 'a, b' is one item that matches nothing.
CREATE FUNCTION walgate._how_to_list_plugin() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  items text;
BEGIN
  SELECT string_agg(quote_literal(name), ', ' ORDER BY first) INTO items
    FROM (SELECT name, min(position) AS first
            FROM walgate._list_items(current_setting('output_plugin_libraries'))
                   WITH ORDINALITY AS item (text, position),
                 regexp_split_to_table(trim(item.text), '\s*,\s*') AS name
           WHERE name NOT IN ('', 'walgate')
           GROUP BY name) AS listed;
  RETURN format('As a superuser run ALTER SYSTEM SET output_plugin_libraries = %s; and then SELECT pg_reload_conf();',
                concat_ws(', ', items, quote_literal('walgate')));
EXCEPTION WHEN insufficient_privilege THEN
  RETURN 'As a superuser run ALTER SYSTEM SET output_plugin_libraries = ''pgoutput'', ''test_decoding'', ''walgate''; '
         'and then SELECT pg_reload_conf(); if SHOW output_plugin_libraries lists more names, repeat them.';
END
$$;

CREATE FUNCTION walgate._require_replication_role() RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND (rolreplication OR rolsuper)) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'insufficient_privilege',
      MESSAGE = format('role "%s" may not use replication slots', current_user),
      HINT = format('Run ALTER ROLE %I REPLICATION; or use a role that has it.', current_user);
  END IF;
END
$$;

-- For the handler of insufficient_privilege after a call that loads the plugin.
CREATE FUNCTION walgate._raise_not_listed(detail text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'insufficient_privilege',
    MESSAGE = 'the server may not load the output plugin "walgate": output_plugin_libraries does not list it',
    DETAIL = detail,
    HINT = walgate._how_to_list_plugin();
END
$$;

-- Refuses what is not a slot of ours; false when there is no slot of that name.
CREATE FUNCTION walgate._is_own_slot(slot name) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  its_plugin name;
BEGIN
  SELECT plugin INTO its_plugin FROM pg_replication_slots WHERE slot_name = slot;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF its_plugin IS DISTINCT FROM 'walgate' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'wrong_object_type',
      MESSAGE = format('slot "%s" does not belong to walgate', slot),
      DETAIL = CASE WHEN its_plugin IS NULL THEN 'It is a physical slot.'
                    ELSE format('Its output plugin is "%s".', its_plugin) END;
  END IF;
  RETURN true;
END
$$;

---------------------------------------------------------------------------------------------------
-- Slots
---------------------------------------------------------------------------------------------------

-- A slot needs every transaction that is running to end, and one of them may belong to a session that has been idle
-- for days: without a lock_timeout of the caller's own the wait ends after a minute.
CREATE FUNCTION walgate.create_slot(name name, failover boolean DEFAULT false) RETURNS pg_lsn
LANGUAGE plpgsql STRICT VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  asked_lock_timeout text := current_setting('lock_timeout');
  consistent_point pg_lsn;
  blockers text;
BEGIN
  PERFORM walgate._require_replication_role();
  IF current_setting('wal_level') <> 'logical' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('wal_level is "%s" and must be "logical"', current_setting('wal_level')),
      HINT = 'As a superuser run ALTER SYSTEM SET wal_level = logical; and restart the server.';
  END IF;
  IF failover AND current_setting('server_version_num')::int < 170000 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'feature_not_supported',
      MESSAGE = 'slots that survive a failover need PostgreSQL 17 or later',
      DETAIL = format('This server is %s.', current_setting('server_version')),
      HINT = 'Leave out failover; after a failover create the slot again.';
  END IF;
  IF asked_lock_timeout = '0' THEN
    PERFORM set_config('lock_timeout', '60s', true);
  END IF;
  BEGIN
    IF failover THEN  -- a parameter that 15 and 16 do not know
      EXECUTE 'SELECT lsn FROM pg_create_logical_replication_slot($1, ''walgate'', failover => true)'
        INTO consistent_point USING name;
    ELSE
      SELECT made.lsn INTO consistent_point FROM pg_create_logical_replication_slot(name, 'walgate') AS made;
    END IF;
  EXCEPTION
    WHEN insufficient_privilege THEN
      PERFORM walgate._raise_not_listed(SQLERRM);
    WHEN lock_not_available THEN
      SELECT string_agg(who, ', ') INTO blockers FROM (
        SELECT format('process %s (role %s, database %s)', pid, coalesce(usename, '?'), coalesce(datname, '?'))
          FROM pg_stat_activity
         WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
        UNION ALL
        SELECT format('prepared transaction %L (role %s, database %s)', gid, owner, database) FROM pg_prepared_xacts
      ) AS running (who);
      RAISE EXCEPTION USING
        ERRCODE = 'lock_not_available',
        MESSAGE = format('could not create slot "%s": it had to wait too long for running transactions', name),
        DETAIL = CASE WHEN blockers IS NULL THEN 'They have ended meanwhile.'
                      ELSE format('Running now: %s.', blockers) END,
        HINT = 'Try again after they have ended; pg_terminate_backend and ROLLBACK PREPARED end them. '
               'lock_timeout is the time to wait.';
  END;
  PERFORM set_config('lock_timeout', asked_lock_timeout, true);
  RETURN consistent_point;
END
$$;
COMMENT ON FUNCTION walgate.create_slot(name, boolean) IS
  'creates a replication slot for walgate and returns the position from which it streams';

CREATE FUNCTION walgate.drop_slot(name name) RETURNS boolean
LANGUAGE plpgsql STRICT VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT walgate._is_own_slot(name) THEN
    RETURN false;
  END IF;
  PERFORM walgate._require_replication_role();
  BEGIN
    PERFORM pg_drop_replication_slot(name);
  EXCEPTION WHEN undefined_object THEN  -- somebody was faster
    RETURN false;
  END;
  RETURN true;
END
$$;
COMMENT ON FUNCTION walgate.drop_slot(name) IS
  'drops a slot of walgate; false when there is none of that name';

CREATE VIEW walgate.slots WITH (security_invoker = true) AS
  SELECT slot.slot_name,
         slot.database,
         slot.active,
         slot.active_pid,
         holder.application_name,
         holder.client_addr,
         pg_catalog.pg_wal_lsn_diff(here.lsn, slot.restart_lsn)::bigint AS retained_bytes,
         slot.wal_status,
         slot.safe_wal_size,
         slot.restart_lsn,
         slot.confirmed_flush_lsn
    FROM pg_catalog.pg_replication_slots AS slot
    LEFT JOIN pg_catalog.pg_stat_activity AS holder ON holder.pid = slot.active_pid
   CROSS JOIN (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                           ELSE pg_catalog.pg_current_wal_lsn() END) AS here (lsn)
   WHERE slot.plugin = 'walgate';
GRANT SELECT ON walgate.slots TO PUBLIC;
COMMENT ON VIEW walgate.slots IS 'the slots of walgate in all databases, who holds them and what they cost';

---------------------------------------------------------------------------------------------------
-- Migrations
---------------------------------------------------------------------------------------------------

-- The word travels in the WAL with the transaction that calls this: whoever reads the slot meets it exactly there.
CREATE FUNCTION walgate.announce_migration(pipeline text, migration text) RETURNS pg_lsn
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF pipeline IS NULL OR pipeline !~ '^[a-z0-9_]{1,48}$' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s is no name of a pipeline', coalesce('"' || pipeline || '"', 'null')),
      HINT = 'Give the pipeline''s name as its configuration does: 1 to 48 small letters, digits and underscores.';
  END IF;
  IF migration IS NULL OR migration !~ '^[0-9]{4}_[a-z0-9_]+$' OR migration LIKE '0000%' OR length(migration) > 120 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s is no name of a migration', coalesce('"' || migration || '"', 'null')),
      HINT = 'Give the name of its file without ".sql", such as 0007_priority.';
  END IF;
  RETURN pg_logical_emit_message(true, 'walgate.migration',
                                 jsonb_build_object('pipeline', pipeline, 'migration', migration)::text);
END
$$;
COMMENT ON FUNCTION walgate.announce_migration(text, text) IS
  'says that a pipeline needs a migration before it can apply what this transaction brings; returns where it stands in the WAL';

---------------------------------------------------------------------------------------------------
-- A look at what would be streamed
---------------------------------------------------------------------------------------------------

-- The plugin itself stops writing at the limit, so a huge transaction is not kept in memory or on disk for it.
CREATE FUNCTION walgate.peek(slot name, publication text, "limit" int DEFAULT 100,
                             OUT lsn pg_lsn, OUT xid xid, OUT change json) RETURNS SETOF record
LANGUAGE plpgsql STRICT VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  holder text;
BEGIN
  IF "limit" < 1 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('limit is %s and must be at least 1', "limit");
  END IF;
  PERFORM walgate._require_replication_role();
  PERFORM walgate._is_own_slot(slot);
  SELECT format('process %s%s', active_pid, CASE WHEN application_name <> '' THEN format(' (%s)', application_name) END)
    INTO holder
    FROM walgate.slots WHERE slot_name = slot AND active;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_in_use',
      MESSAGE = format('slot "%s" is busy: %s holds it', slot, holder),
      HINT = 'One session at a time can read a slot. Stop the service to peek, or peek at a slot of your own.';
  END IF;
  BEGIN
    RETURN QUERY
      SELECT found.lsn, found.xid, found.data::json
        FROM pg_logical_slot_peek_changes(slot, NULL, "limit", 'format', 'json',
                                          'publications', quote_ident(publication), 'limit', "limit"::text) AS found;
  EXCEPTION WHEN insufficient_privilege THEN
    PERFORM walgate._raise_not_listed(SQLERRM);
  END;
END
$$;
COMMENT ON FUNCTION walgate.peek(name, text, int) IS
  'what a slot would stream next of a publication, as json; the slot stays where it is';

---------------------------------------------------------------------------------------------------
-- Findings
---------------------------------------------------------------------------------------------------

-- Tables of a publication whose updates and deletes cannot be identified: the server refuses such statements while
-- the table is published.  A deferrable key identifies nothing.
CREATE FUNCTION walgate._tables_without_identity(publication text)
RETURNS TABLE (relation regclass, identity "char", usable_index regclass)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT class.oid::regclass, class.relreplident,
         (SELECT candidate.indexrelid::regclass FROM pg_index AS candidate
           WHERE candidate.indrelid = class.oid AND candidate.indisunique AND candidate.indimmediate
             AND candidate.indisvalid
             AND candidate.indpred IS NULL AND candidate.indexprs IS NULL
             AND NOT EXISTS (SELECT FROM pg_attribute AS attribute
                              WHERE attribute.attrelid = class.oid AND attribute.attnum = ANY (candidate.indkey)
                                AND NOT attribute.attnotnull)
           ORDER BY candidate.indisprimary DESC, candidate.indexrelid LIMIT 1)
    FROM pg_publication
    JOIN pg_get_publication_tables(publication) AS published ON true
    JOIN pg_class AS class ON class.oid = published.relid
   WHERE pubname = publication AND (pubupdate OR pubdelete)
     AND class.relnamespace <> 'walgate'::regnamespace
     AND CASE class.relreplident
           WHEN 'f' THEN false
           WHEN 'n' THEN true
           ELSE NOT EXISTS (SELECT FROM pg_index
                             WHERE indrelid = class.oid AND indimmediate AND indisvalid
                               AND CASE class.relreplident WHEN 'i' THEN indisreplident ELSE indisprimary END)
         END
   ORDER BY class.oid::regclass::text;
$$;

-- Tables of a publication whose updates and deletes PostgreSQL 18 refuses, because their identity holds generated
-- columns that are not published; older servers let them pass.  Identity FULL holds them all.
CREATE FUNCTION walgate._tables_with_unpublished_identity(publication text)
RETURNS TABLE (relation regclass, columns text, all_stored boolean)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT class.oid::regclass, string_agg(quote_ident(attname), ', ' ORDER BY attnum), bool_and(attgenerated = 's')
    FROM pg_publication
    JOIN pg_get_publication_tables(publication) AS published ON true
    JOIN pg_class AS class ON class.oid = published.relid
    JOIN pg_attribute AS attribute ON attrelid = class.oid
   WHERE current_setting('server_version_num')::int >= 180000
     AND pubname = publication AND (pubupdate OR pubdelete)
     AND class.relnamespace <> 'walgate'::regnamespace
     AND attnum > 0 AND NOT attisdropped AND attgenerated <> ''
     AND (published.attrs IS NULL OR NOT attnum = ANY (published.attrs))
     AND CASE class.relreplident
           WHEN 'f' THEN true
           ELSE EXISTS (SELECT FROM pg_index
                         WHERE indrelid = class.oid AND attnum = ANY (indkey) AND indimmediate AND indisvalid
                           AND CASE class.relreplident WHEN 'i' THEN indisreplident ELSE indisprimary END)
         END
   GROUP BY class.oid
   ORDER BY class.oid::regclass::text;
$$;

-- Published columns whose values no other server can read as they are, and the type inside them that is to blame.  The
-- output plugin sends xml and arrays of it as they are stored; inside of other types only their own functions could.
-- The service asks as well, because it knows which columns its configuration leaves out.
CREATE FUNCTION walgate._columns_that_cannot_travel(publication text)
RETURNS TABLE (relation regclass, attname name, object text, finding text, remedy text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE published AS (
    SELECT relid, attribute.attname, attribute.attnum, atttypid, atttypmod
      FROM pg_publication, LATERAL pg_get_publication_tables(pubname) AS published
      JOIN pg_attribute AS attribute ON attrelid = relid
      JOIN pg_class AS class ON class.oid = relid
     WHERE pubname = publication
       AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND relnamespace <> 'walgate'::regnamespace
       AND (published.attrs IS NULL OR attnum = ANY (published.attrs))
  ), part (whole, oid, arrays, in_composite) AS (
    SELECT DISTINCT atttypid, atttypid, 0, false FROM published
    UNION
    SELECT part.whole, made_of.oid, part.arrays + made_of.arrays, part.in_composite OR made_of.in_composite
      FROM part JOIN pg_type AS type ON type.oid = part.oid,
           LATERAL (SELECT typbasetype, 0, false WHERE typtype = 'd'
                    UNION ALL SELECT typelem, 1, false WHERE typsend = 'array_send'::regproc AND typelem <> 0
                    UNION ALL SELECT atttypid, 0, true FROM pg_attribute
                               WHERE typtype = 'c' AND attrelid = typrelid AND attnum > 0 AND NOT attisdropped
                    UNION ALL SELECT rngsubtype, 0, false FROM pg_range WHERE rngtypid = type.oid
                    UNION ALL SELECT rngtypid, 0, false FROM pg_range WHERE rngmultitypid = type.oid
                   ) AS made_of (oid, arrays, in_composite)
  ), blamed AS (
    SELECT DISTINCT ON (whole) whole, type.oid, type.oid = 'xml'::regtype AS is_xml
      FROM part JOIN pg_type AS type ON type.oid = part.oid
     WHERE type.oid = 'xml'::regtype AND (in_composite OR arrays > 1)
        OR type.oid IN (SELECT oid FROM pg_type
                         WHERE typnamespace = 'pg_catalog'::regnamespace
                           AND typname IN ('pg_node_tree', 'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list',
                                           'gtsvector', 'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary'))
     ORDER BY whole, is_xml, type.oid
  )
  SELECT relid::regclass, attname, format('column %s.%I', relid::regclass, attname),
         CASE WHEN is_xml THEN format('its type %s holds xml, which would arrive without its declaration', type)
              WHEN blamed.oid = atttypid THEN format('no server reads values of its type %s back', type)
              ELSE format('its type %s holds the type %s, whose values no server reads back', type,
                          format_type(blamed.oid, NULL)) END,
         -- Only tables that are listed one by one have column lists.
         CASE WHEN EXISTS (SELECT FROM pg_publication_rel JOIN pg_publication AS pub ON pub.oid = prpubid
                            WHERE pubname = publication
                              AND (prrelid = relid OR prrelid IN (SELECT pg_partition_ancestors(relid))))
              THEN format('Leave the column out, by a column list (ALTER PUBLICATION %I SET TABLE ...;) or in the '
                          'configuration of the pipeline ("columns": {%s: null}); or change its type.',
                          publication, to_json(attname))
              ELSE format('Leave the column out in the configuration of the pipeline ("columns": {%s: null}), or change '
                          'its type; publication %I lists no tables, so it has no column lists.',
                          to_json(attname), publication) END
    FROM published JOIN blamed ON whole = atttypid, format_type(atttypid, atttypmod) AS type
   ORDER BY relid::regclass::text, attnum;
$$;

CREATE FUNCTION walgate._server_findings()
RETURNS TABLE (severity text, name text, object text, finding text, remedy text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  own_slots bigint := (SELECT count(*) FROM walgate.slots WHERE database = current_database());
  slots_in_use bigint := (SELECT count(*) FROM pg_replication_slots);
  senders_in_use bigint := (SELECT count(*) FROM pg_stat_replication);
  plugins text;
  idle_timeout text := current_setting('idle_replication_slot_timeout', true);
BEGIN
  IF current_setting('wal_level') <> 'logical' THEN
    RETURN QUERY SELECT 'error', 'wal_level_not_logical', 'wal_level',
      format('it is %s, and the WAL holds too little to stream changes', current_setting('wal_level')),
      'As a superuser run ALTER SYSTEM SET wal_level = logical; and restart the server.';
  END IF;

  IF pg_is_in_recovery() AND current_setting('server_version_num')::int < 160000 THEN
    RETURN QUERY SELECT 'error', 'source_in_recovery', current_database()::text,
      'this server is a standby, and before PostgreSQL 16 a standby cannot stream changes',
      'Use the primary server as the source.';
  END IF;

  BEGIN
    plugins := current_setting('output_plugin_libraries', true);  -- null: this minor release loads any library
    IF plugins IS NOT NULL AND 'walgate' NOT IN (SELECT walgate._list_items(plugins)) THEN
      RETURN QUERY SELECT 'error', 'plugin_not_listed', 'output_plugin_libraries',
        coalesce((SELECT format('it holds %s as one name, which matches no library', quote_literal(item))
                    FROM walgate._list_items(plugins) AS item
                   WHERE 'walgate' IN (SELECT trim(part) FROM regexp_split_to_table(item, ',') AS part) LIMIT 1),
                 'it does not list walgate, and the server refuses to load what is not listed'),
        walgate._how_to_list_plugin();
    END IF;
  EXCEPTION WHEN insufficient_privilege THEN
    RETURN QUERY SELECT 'info', 'setting_not_visible', 'output_plugin_libraries',
      format('role %s may not see it, so whether it lists walgate is not known', quote_ident(current_user)),
      'Check as a superuser or as a member of pg_read_all_settings.';
  END;

  IF own_slots = 0 AND slots_in_use >= current_setting('max_replication_slots')::bigint THEN
    RETURN QUERY SELECT 'error', 'no_free_slot', 'max_replication_slots',
      format('all %s replication slots are taken', current_setting('max_replication_slots')),
      'Drop a slot that nobody needs, or raise max_replication_slots and restart the server.';
  END IF;
  IF senders_in_use >= current_setting('max_wal_senders')::bigint
     AND NOT EXISTS (SELECT FROM walgate.slots WHERE database = current_database() AND active) THEN
    RETURN QUERY SELECT 'error', 'no_free_walsender', 'max_wal_senders',
      format('all %s WAL senders are busy', current_setting('max_wal_senders')),
      'Raise max_wal_senders and restart the server.';
  END IF;

  IF current_setting('max_slot_wal_keep_size') = '-1' THEN
    RETURN QUERY SELECT 'warning', 'unlimited_wal_retention', 'max_slot_wal_keep_size',
      'it is -1: while walgate is away, the WAL it still needs may fill the disk of this server',
      'Set it to what the disk can spare, for example ALTER SYSTEM SET max_slot_wal_keep_size = ''50GB''; a slot that '
      'falls behind further is lost.';
  END IF;
  IF idle_timeout <> '0' THEN  -- since PostgreSQL 18
    RETURN QUERY SELECT 'warning', 'idle_slot_timeout', 'idle_replication_slot_timeout',
      format('it is %s: a slot that walgate does not hold for so long is lost', idle_timeout),
      'Set it to 0, or to more than the longest time that walgate may be away.';
  END IF;
END
$$;

CREATE FUNCTION walgate._role_findings(role name)
RETURNS TABLE (severity text, name text, object text, finding text, remedy text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  rights record;
BEGIN
  SELECT rolcanlogin, rolreplication OR rolsuper AS may_replicate INTO rights FROM pg_roles WHERE rolname = role;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'error', 'source_role_not_allowed', format('role %I', role),
      'it does not exist', format('Run CREATE ROLE %I LOGIN REPLICATION;', role);
    RETURN;
  END IF;
  IF NOT rights.rolcanlogin THEN
    RETURN QUERY SELECT 'error', 'source_role_not_allowed', format('role %I', role),
      'it may not log in', format('Run ALTER ROLE %I LOGIN;', role);
  END IF;
  IF NOT rights.may_replicate THEN
    RETURN QUERY SELECT 'error', 'source_role_not_allowed', format('role %I', role),
      'it does not have REPLICATION, which is not inherited from a group',
      format('Run ALTER ROLE %I REPLICATION;', role);
  END IF;
  IF NOT has_database_privilege(role, current_database(), 'CONNECT') THEN
    RETURN QUERY SELECT 'error', 'source_role_not_allowed', format('role %I', role),
      format('it may not connect to database %I', current_database()),
      format('Run GRANT CONNECT ON DATABASE %I TO %I;', current_database(), role);
  END IF;
END
$$;

CREATE FUNCTION walgate._publication_findings(publication text, role name)
RETURNS TABLE (severity text, name text, object text, finding text, remedy text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  object_name text := format('publication %I', publication);
  unreadable text[];
BEGIN
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = publication) THEN
    RETURN QUERY SELECT 'error', 'publication_missing', object_name,
      format('it does not exist in database %I', current_database()),
      format('Run CREATE PUBLICATION %I FOR TABLE ...; with the tables to copy, before the slot is created.',
             publication);
    RETURN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_get_publication_tables(publication)) THEN
    RETURN QUERY SELECT 'warning', 'publication_empty', object_name, 'it holds no table',
      format('Run ALTER PUBLICATION %I ADD TABLE ...;', publication);
  END IF;

  RETURN QUERY
    SELECT 'warning', 'identity_missing', format('table %s', relation),
           CASE identity WHEN 'n' THEN 'its replica identity is NOTHING'
                         WHEN 'i' THEN 'the index of its replica identity is gone'
                         ELSE 'it has no primary key that could identify a row' END
           || ': while it is published, this server refuses to update or delete its rows',
           CASE WHEN usable_index IS NULL
                THEN format('Give it a primary key, or run ALTER TABLE %s REPLICA IDENTITY FULL; a table that only '
                            'grows can be in a publication with publish = ''insert''.', relation)
                ELSE format('Run ALTER TABLE %s REPLICA IDENTITY %s;', relation,
                            CASE WHEN (SELECT indisprimary FROM pg_index WHERE indexrelid = usable_index) THEN 'DEFAULT'
                                 ELSE format('USING INDEX %I',
                                             (SELECT relname FROM pg_class WHERE oid = usable_index)) END)
           END
      FROM walgate._tables_without_identity(publication);

  RETURN QUERY
    SELECT 'warning', 'generated_identity_unpublished', format('table %s', relation),
           format('its replica identity holds generated columns that are not published (%s): while it is published, '
                  'this server refuses to update or delete its rows', columns),
           CASE WHEN all_stored
                THEN format('Run ALTER PUBLICATION %I SET (publish_generated_columns = stored);', publication)
                ELSE format('Virtual columns cannot be published: give table %s a key without them as its replica '
                            'identity.', relation)
           END
      FROM walgate._tables_with_unpublished_identity(publication);

  -- A publication takes neither by itself, but as partitions of a table that it has.
  RETURN QUERY
    SELECT DISTINCT 'warning', 'table_not_logged', format('table %s', class.oid::regclass),
           CASE relkind WHEN 'f' THEN 'it is a foreign table: its changes are not in the WAL of this server'
                        ELSE 'it is unlogged: its changes are not in the WAL' END,
           CASE relkind WHEN 'f' THEN format('Detach it from its partitioned table, or take that out of publication %I.',
                                             publication)
                        ELSE format('Run ALTER TABLE %s SET LOGGED;', class.oid::regclass) END
      FROM pg_get_publication_tables(publication) AS published,
           LATERAL (SELECT published.relid UNION SELECT relid FROM pg_partition_tree(published.relid)) AS part (oid)
      JOIN pg_class AS class ON class.oid = part.oid
     WHERE (relkind = 'f' OR relkind = 'r' AND relpersistence = 'u') AND relnamespace <> 'walgate'::regnamespace
     ORDER BY 3;

  RETURN QUERY
    SELECT 'error', 'type_not_portable', unfit.object, unfit.finding, unfit.remedy
      FROM walgate._columns_that_cannot_travel(publication) AS unfit;

  RETURN QUERY
    SELECT 'warning', 'row_filter_without_values', format('table %s', class.oid::regclass),
           format('an update that leads a row into its row filter stops the stream when a TOASTed value did not '
                  'change (%s): the WAL does not hold it',
                  string_agg(quote_ident(attname), ', ' ORDER BY attnum)),
           format('Run ALTER TABLE %s REPLICA IDENTITY FULL;', class.oid::regclass)
      FROM pg_publication AS pub
      JOIN pg_publication_rel AS member ON member.prpubid = pub.oid
      JOIN pg_class AS class ON class.oid = member.prrelid
      JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
     WHERE pub.pubname = publication AND pub.pubupdate AND member.prqual IS NOT NULL AND class.relreplident <> 'f'
       AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attlen = -1 AND attstorage <> 'p'
       AND (member.prattrs IS NULL OR attnum = ANY (member.prattrs))
       AND NOT EXISTS (SELECT FROM pg_index
                        WHERE indrelid = class.oid AND attnum = ANY (indkey)
                          AND CASE class.relreplident WHEN 'i' THEN indisreplident ELSE indisprimary END)
     GROUP BY class.oid;

  IF EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
    SELECT array_agg(class.oid::regclass::text ORDER BY class.oid::regclass::text) INTO unreadable
      FROM pg_get_publication_tables(publication) AS published
      JOIN pg_class AS class ON class.oid = published.relid
     WHERE class.relnamespace <> 'walgate'::regnamespace
       AND NOT (has_schema_privilege(role, class.relnamespace, 'USAGE')
                AND has_table_privilege(role, class.oid, 'SELECT'));
    IF unreadable IS NOT NULL THEN
      RETURN QUERY SELECT 'info', 'copy_not_allowed', format('role %I', role),
        format('it may not read %s%s: changes can be streamed, but rows that are there already cannot be copied',
               array_to_string(unreadable[:5], ', '),
               CASE WHEN cardinality(unreadable) > 5
                    THEN format(' and %s more tables', cardinality(unreadable) - 5) END),
        format('For an initial copy run GRANT USAGE ON SCHEMA ... TO %1$I; and GRANT SELECT ON %2$s TO %1$I;', role,
               array_to_string(unreadable[:5], ', '));
    END IF;
  END IF;
END
$$;

CREATE FUNCTION walgate.check_source(publication text, role name DEFAULT current_user)
RETURNS TABLE (severity text, name text, object text, finding text, remedy text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT * FROM walgate._server_findings()
  UNION ALL SELECT * FROM walgate._role_findings(role)
  UNION ALL SELECT * FROM walgate._publication_findings(publication, role);
$$;
COMMENT ON FUNCTION walgate.check_source(text, name) IS
  'what stands between this server and a pipeline: severity error, warning or info, one row per finding';
