-- walgate--1.0.sql - what SQL may call on the source server.
--
-- All of it runs with the rights of its caller.  The control file names the schema; this script does not create it.
\echo Use "CREATE EXTENSION walgate" to load this file. \quit

-- The call never waits for ever: a slot needs every transaction that is running to end, and one of them may
-- belong to a session that has been idle for days.
CREATE FUNCTION walgate.create_slot(name name) RETURNS pg_lsn
LANGUAGE plpgsql STRICT VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  asked_lock_timeout text := current_setting('lock_timeout');
  lsn pg_lsn;
  blockers text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND (rolreplication OR rolsuper)) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'insufficient_privilege',
      MESSAGE = format('role "%s" may not create replication slots', current_user),
      HINT = format('Run ALTER ROLE %I REPLICATION; or call walgate.create_slot as a role that has it.', current_user);
  END IF;
  IF current_setting('wal_level') <> 'logical' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('wal_level is "%s" and must be "logical"', current_setting('wal_level')),
      HINT = 'Run ALTER SYSTEM SET wal_level = logical; and restart the server.';
  END IF;
  IF asked_lock_timeout = '0' THEN
    PERFORM set_config('lock_timeout', '60s', true);
  END IF;
  BEGIN
    SELECT slot.lsn INTO lsn FROM pg_create_logical_replication_slot(create_slot.name, 'walgate') AS slot;
  EXCEPTION
    WHEN insufficient_privilege THEN
      RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = 'the server may not load the output plugin "walgate": output_plugin_libraries does not list it',
        DETAIL = SQLERRM,
        HINT = walgate._how_to_list_plugin();
    WHEN lock_not_available THEN
      SELECT string_agg(what, ', ') INTO blockers FROM (
        SELECT format('process %s (%s, database %s)', pid, coalesce(usename, 'unknown role'), coalesce(datname, 'none')) AS what
          FROM pg_stat_activity
         WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
        UNION ALL
        SELECT format('prepared transaction %L (%s, database %s)', gid, owner, database) FROM pg_prepared_xacts
      ) AS running;
      RAISE EXCEPTION USING
        ERRCODE = 'lock_not_available',
        MESSAGE = format('could not create slot "%s": transactions that were running did not end in time', create_slot.name),
        DETAIL = 'Still running: ' || coalesce(blockers, 'none any more') || '.',
        HINT = 'Let them end (or end them with pg_terminate_backend, ROLLBACK PREPARED) and try again; lock_timeout says how long to wait.';
  END;
  PERFORM set_config('lock_timeout', asked_lock_timeout, true);
  RETURN lsn;
END
$$;
COMMENT ON FUNCTION walgate.create_slot(name) IS
  'creates a logical replication slot for walgate; returns the position from which it streams';

CREATE FUNCTION walgate.drop_slot(name name) RETURNS boolean
LANGUAGE plpgsql STRICT VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  its_plugin name;
BEGIN
  SELECT plugin INTO its_plugin FROM pg_replication_slots WHERE slot_name = drop_slot.name;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF its_plugin IS DISTINCT FROM 'walgate' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'wrong_object_type',
      MESSAGE = format('slot "%s" is not walgate''s', drop_slot.name),
      DETAIL = CASE WHEN its_plugin IS NULL THEN 'It is a physical slot.'
                    ELSE format('Its output plugin is "%s".', its_plugin) END,
      HINT = 'If nobody needs it, use pg_drop_replication_slot.';
  END IF;
  BEGIN
    PERFORM pg_drop_replication_slot(drop_slot.name);
  EXCEPTION WHEN undefined_object THEN  -- somebody was faster
    RETURN false;
  END;
  RETURN true;
END
$$;
COMMENT ON FUNCTION walgate.drop_slot(name) IS
  'drops a slot of walgate; false when there is none of that name';

-- The statement that lets the server load us, made from the list that is there: ALTER SYSTEM replaces the whole list,
-- and an item that holds a comma is one name, so each is quoted by itself.
CREATE FUNCTION walgate._how_to_list_plugin() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  list text;
  items text;
BEGIN
  list := current_setting('output_plugin_libraries');
  SELECT string_agg(quote_literal(item), ', ') INTO items FROM walgate._plugin_list(list) AS item
   WHERE item !~ '[, ]';
  RETURN format('Run as a superuser: ALTER SYSTEM SET output_plugin_libraries = %s; SELECT pg_reload_conf();',
                concat_ws(', ', items, quote_literal('walgate')));
EXCEPTION WHEN insufficient_privilege THEN
  RETURN 'Run as a superuser: ALTER SYSTEM SET output_plugin_libraries = ''pgoutput'', ''test_decoding'', ''walgate''; '
         'SELECT pg_reload_conf(); and keep what SHOW output_plugin_libraries lists besides.';
END
$$;

CREATE FUNCTION walgate._plugin_list(list text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(replace(part[1], '""', '"'), part[2])
    FROM regexp_matches(list, '"((?:[^"]|"")*)"|([^",\s]+)', 'g') AS part;
$$;
