/**
 * What the daemon of each schema version leaves in its database, in that version's own SQL. A version leaves what the ones
 * before it left, and this. A line that was written never changes: what it stands for is in databases of users.
 */

const WHERE_TEMPERATURE = `(SELECT series_id FROM tidegate.series WHERE metric_name = 'temperature')`;
const WHERE_MODE = `(SELECT series_id FROM tidegate.series WHERE metric_name = 'mode')`;

/** 48 points of the temperature, from 2026-02-23 06:00 on, half a minute apart. */
const SEGMENT = `{"n": 48, "format": 1, "start_ts": "2026-02-23 06:00:00+00", "end_ts": "2026-02-23 06:23:30+00",
  "v_sum": 983.3, "v_m2": 4.899791666666659, "v_min": 20, "v_max": 21, "v_count": 48,
  "t_unit": 1500, "t_step": 20000, "t_shift": 0, "t_width": 1, "t_codes": "000100000010000001000000100000010000001000000100",
  "v_scale": 10, "v_base": 200, "v_step": 0, "v_width": 4, "v_codes":
  "000001001000000101011001001001101010001101110000010010000001010110010010011010100011011100000100100000010101100100100110101000110111000001001000000101011001001001101010001101110000010010000001"}`;

/** Their quarters of an hour. */
const FRAME = `{"n": 2, "format": 1, "start_bucket": "2026-02-23 06:00:00+00", "end_bucket": "2026-02-23 06:15:00+00",
  "bucket_unit": 900000000, "bucket_step": 1, "bucket_shift": 0, "bucket_width": 0,
  "count_base": 30, "count_step": -12, "count_scale": 1, "count_width": 0, "count_noise": 0,
  "sum_base": 6145, "sum_step": -2457, "sum_scale": 10, "sum_width": 3, "sum_noise": 3,
  "sum_grain": 5.684341886080802e-14, "sum_codes": "010011",
  "m2_base": 2961666666667, "m2_step": -1023888888889, "m2_scale": 1000000000000, "m2_width": 12, "m2_noise": 12,
  "m2_grain": 2.220446049250313e-16, "m2_codes": "001000011100001111111011",
  "min_base": 20, "min_scale": 1, "min_width": 0, "min_noise": 0, "max_base": 21, "max_scale": 1, "max_width": 0, "max_noise": 0,
  "first_value_base": 20, "first_value_step": 1, "first_value_scale": 1, "first_value_width": 0, "first_value_noise": 0,
  "last_value_base": 206, "last_value_step": -5, "last_value_scale": 10, "last_value_width": 0, "last_value_noise": 0,
  "first_time_unit": 1, "first_time_shift": 0, "first_time_width": 0,
  "last_time_unit": 360000000, "last_time_shift": 510000000, "last_time_width": 1, "last_time_codes": "10",
  "increase_base": 2091, "increase_step": -641, "increase_scale": 10, "increase_width": 2, "increase_noise": 2,
  "increase_grain": 2.842170943040401e-14, "increase_codes": "1110",
  "resets_base": 10, "resets_step": -3, "resets_scale": 1, "resets_width": 0, "resets_noise": 0,
  "integral_base": 1781700090, "integral_step": -735600105, "integral_scale": 100000, "integral_width": 0, "integral_noise": 0,
  "seconds_base": 870, "seconds_step": -360, "seconds_scale": 1, "seconds_width": 0, "seconds_noise": 0}`;

/** Numbers of stock PostgreSQL: TimescaleDB's own tables begin with version 5. */
export const LEFT: Readonly<Record<number, string>> = {
  1: `
    INSERT INTO tidegate.series (device_id, metric_name, is_text, kind, unit, tags) VALUES
      ('pump-1', 'temperature', false, 'gauge', '°C', '{"site": "berlin"}'), ('pump-1', 'energy', false, 'counter', NULL, '{}'),
      ('pump-1', 'running', false, 'state', NULL, '{}'), ('pump-1', 'mode', true, 'text', NULL, '{}');
    INSERT INTO tidegate.points_late
      SELECT ${WHERE_TEMPERATURE}, timestamptz '2026-02-01 00:00:00+00' + n * interval '1 hour', n / 3.0
      FROM generate_series(1, 5) AS n;
    INSERT INTO tidegate.texts_late VALUES (${WHERE_MODE}, '2026-02-01 00:00:00+00', 'clock not set');
    INSERT INTO tidegate.batches VALUES ('00000000-0000-4000-8000-000000000001', 'plant', '2026-03-02 08:00:00+00',
      2, 0, 1, 0, 7, 5, 1, 0, 1, 0, ARRAY[${WHERE_TEMPERATURE}], '{5}', '{2026-02-01 01:00:00+00}', '{2026-02-01 05:00:00+00}',
      ARRAY[5 / 3.0]);
    INSERT INTO tidegate.ingest_totals VALUES ('plant', '2026-01-01 00:00:00+00', 100, 1, 2, 3, 1000, 990, 4, 3, 2, 1);
    INSERT INTO tidegate.series_stats VALUES
      (${WHERE_TEMPERATURE}, 40, '2026-01-01 00:00:00+00', '2026-03-02 06:00:00+00', 20.5),
      (${WHERE_MODE}, 1, '2026-02-01 00:00:00+00', '2026-02-01 00:00:00+00', NULL);
    INSERT INTO tidegate.dead_letters (received_at, client_id, topic, payload, qos, retained, route, code, detail, points)
      VALUES ('2026-03-02 07:00:00+00', 'plant', 'devices/pump-1', '\\x00ff7b', 1, false, NULL, 'payload_not_json', 'at byte 0', 1);
    INSERT INTO tidegate.sessions VALUES ('plant', 3, '2026-03-01 00:00:00+00');
    INSERT INTO tidegate.deliveries VALUES ('plant', 3, 17, '00000000-0000-4000-8000-000000000001', '\\x0102');
    INSERT INTO tidegate.dirty_buckets (batch_id, series_ids, buckets)
      VALUES ('00000000-0000-4000-8000-000000000001', ARRAY[${WHERE_TEMPERATURE}], '{2026-02-01 01:00:00+00}');`,
  2: `
    SELECT tidegate.open_chunk('points', '2026-03-02 06:00:00+00', '1 day'),
      tidegate.open_chunk('texts', '2026-03-02 06:00:00+00', '1 day');
    INSERT INTO tidegate.points
      SELECT s.series_id, timestamptz '2026-03-02 06:00:00+00' + n * interval '20 seconds', CASE s.kind
        WHEN 'gauge' THEN 20 + n / 7.0 WHEN 'counter' THEN 1000 + n * 0.1 ELSE n % 2 END
      FROM tidegate.series s, generate_series(1, 50) AS n WHERE NOT s.is_text ORDER BY 1, 2;
    INSERT INTO tidegate.points VALUES (${WHERE_TEMPERATURE}, '2026-03-02 07:00:00+00', 'NaN'),
      (${WHERE_TEMPERATURE}, '2026-03-02 07:00:01+00', '-Infinity'), (${WHERE_TEMPERATURE}, '2026-03-02 07:00:02+00', '1e300'),
      (${WHERE_TEMPERATURE}, '2026-03-02 07:00:03.000001+00', '5e-324'), (${WHERE_TEMPERATURE}, '2026-03-02 07:00:04+00', '-0');
    INSERT INTO tidegate.texts VALUES (${WHERE_MODE}, '2026-03-02 06:00:00+00', 'heating'), (${WHERE_MODE}, '2026-03-02 06:05:00+00', 'idle');`,
  4: `
    UPDATE tidegate.series SET route = 'default', policy_version = 'a', raw_retention = '365 days', counter_tolerance = 0.5,
      counter_rollover = 100000 WHERE kind = 'counter';
    UPDATE tidegate.scheduler SET epoch = 7, leader = 'plant', since = '2026-03-01 00:00:00+00';
    UPDATE tidegate.jobs SET schedule_interval = '5 minutes', failures = 1 WHERE name = 'retention';
    INSERT INTO tidegate.job_runs (job, epoch, started_at, finished_at, outcome, rows, detail)
      VALUES ('chunks', 7, '2026-03-01 00:00:00+00', '2026-03-01 00:00:01+00', 'succeeded', 2, 'opened 2 chunks');
    INSERT INTO tidegate.audit (at, actor, action, subject, counts)
      VALUES ('2026-03-01 00:00:00+00', 'ops', 'rename', '{"device_id": "pump"}', '{"series": 1}');
    INSERT INTO tidegate.device_aliases VALUES ('pump', 'pump-1', '2026-03-01 00:00:00+00', NULL);`,
  6: `
    INSERT INTO tidegate.chunks (source, range_start, range_end, state, leaf, attached, points, bytes_before, bytes_after)
      VALUES ('points', '2026-02-23 00:00:00+00', '2026-02-24 00:00:00+00', 'sealed', 'points_20260223_000000', false, 48, 8192, 468);
    UPDATE tidegate.chunk_map SET version = version + 1;
    SELECT tidegate.open_segment_partition('2026-02-23 06:00:00+00');
    INSERT INTO tidegate.segments SELECT (jsonb_populate_record(NULL::tidegate.segments,
      '${SEGMENT}' || jsonb_build_object('series_id', ${WHERE_TEMPERATURE}))).*;`,
  7: `
    INSERT INTO tidegate.aggregate_1min SELECT s.series_id, c.* FROM tidegate.series s CROSS JOIN LATERAL tidegate.computed_1min(
      s.series_id, '2026-01-01 00:00:00+00', '2026-03-02 06:10:00+00', '{-infinity}', s.counter_tolerance, s.counter_rollover, 86400) c
      WHERE NOT s.is_text;
    INSERT INTO tidegate.aggregate_15min SELECT s.series_id, c.* FROM tidegate.series s CROSS JOIN LATERAL tidegate.computed_15min(
      s.series_id, '2026-01-01 00:00:00+00', '2026-02-23 00:00:00+00', '{2026-03-02 06:10:00+00}', s.counter_tolerance,
      s.counter_rollover, 86400) c WHERE NOT s.is_text;
    INSERT INTO tidegate.frames_15min SELECT (jsonb_populate_record(NULL::tidegate.frames_15min,
      '${FRAME}' || jsonb_build_object('series_id', ${WHERE_TEMPERATURE}))).*;
    UPDATE tidegate.aggregates SET watermark = '2026-03-02 06:10:00+00', refreshed_at = '2026-03-02 06:11:00+00' WHERE level = '1min';
    UPDATE tidegate.aggregates SET watermark = '2026-02-24 00:00:00+00', refreshed_at = '2026-02-24 00:01:00+00' WHERE level = '15min';
    UPDATE tidegate.chunk_map SET dirty_before = '2026-03-02 06:10:00+00';
    INSERT INTO tidegate.dirty_buckets (series_ids, buckets, level, late)
      VALUES (ARRAY[${WHERE_TEMPERATURE}], '{2026-03-02 06:01:00+00}', '1min', true);`,
  9: `
    INSERT INTO iot_query_logs VALUES ('metrics', 1.5, 100, '2026-03-02 08:00:00+00');`,
  11: `
    INSERT INTO tidegate.batches (batch_id, client_id, committed_at, messages_settled, messages_ignored, messages_dead_lettered,
      messages_dropped, points_decoded, points_stored, points_duplicate, points_conflict, points_dead_lettered, points_dropped,
      series_ids, series_points, first_times, last_times, last_values, spool_record)
    VALUES ('00000000-0000-4000-8000-000000000011', 'plant', '2026-03-02 08:01:00+00', 1, 0, 0, 0, 1, 0, 1, 0, 0, 0,
      '{}', '{}', '{}', '{}', '{}', '00000000-0000-4000-8000-00000000aaaa');`,
  12: `
    INSERT INTO tidegate.dead_letters (received_at, client_id, topic, payload, qos, retained, route, code, detail, points, stored)
      VALUES ('2026-03-02 07:01:00+00', 'plant', 'devices/pump-1', '{"a": null}', 1, true, 'default', 'value_null', 'a', 1, 3);`,
  13: `
    INSERT INTO tidegate.device_states
      VALUES ('pump-1', 'plant', 'ok', '2026-03-02 06:17:00+00', 57, 20, 0.25, '{20,20,19.5}', '{0.25}');`,
  14: `
    INSERT INTO tidegate.ingest_minutes (client_id, minute, messages_settled, messages_ignored, messages_dead_lettered,
      messages_dropped, points_decoded, points_stored, points_duplicate, points_conflict, points_dead_lettered, points_dropped)
      VALUES ('plant', '2026-03-02 06:00:00+00', 3, 0, 0, 0, 9, 9, 0, 0, 0, 0);
    INSERT INTO tidegate.series_conflicts VALUES (${WHERE_TEMPERATURE}, 2, '2026-03-02 06:00:00+00');
    INSERT INTO tidegate.device_sums VALUES ('2026-03-02 06:00:00+00', 'pump-1', 9, 0, 2);
    UPDATE tidegate.batches SET repeated_ids = ARRAY[${WHERE_TEMPERATURE}], repeated_duplicates = '{1}', repeated_conflicts = '{0}'
      WHERE spool_record IS NOT NULL;`,
  15: `
    UPDATE tidegate.ingest_minutes SET first_time = '2026-03-02 06:00:20+00', last_time = '2026-03-02 06:01:00+00';
    UPDATE tidegate.series_stats SET last_stored = '2026-03-02 06:01:00+00';`,
  16: `
    INSERT INTO tidegate.device_names VALUES ('pump-1', 'Boiler room', '2026-03-02 06:00:00+00');
    UPDATE tidegate.series SET described_at = '2026-03-02 06:00:00+00' WHERE kind = 'gauge';`,
  17: `
    INSERT INTO tidegate.edge_events VALUES ('plant', 'site/edge', '', '2026-03-02 06:00:00+00', 'birth', 4, '\\x0a00'),
      ('plant', 'site/edge', 'pump-1', '2026-03-02 06:10:00+00', 'death', NULL, NULL);`,
  18: `
    INSERT INTO tidegate.imports (source, plan, started_at, changed_at, position, digest, rejected)
      VALUES ('history.csv', 'b', '2026-03-02 06:00:00+00', '2026-03-02 06:00:09+00', 2000, '\\x0f', 1);
    INSERT INTO tidegate.import_rejects SELECT import_id, 12, 13, 'value_missing', 'value', 1, 'pump-1,,x' FROM tidegate.imports;`,
  19: `
    SELECT tidegate.write_points(m.version, m.series_version, '2026-03-02 07:30:00+00', ARRAY[${WHERE_TEMPERATURE}],
      '{2026-03-02 07:30:00+00}', '{21.25}') FROM tidegate.chunk_map m;`,
  20: `
    SELECT tidegate.open_heads(ARRAY[${WHERE_TEMPERATURE}]);
    UPDATE tidegate.series_heads SET mark = '2026-03-02 07:30:00+00', small = 1, small_from = '2026-03-02 07:00:00+00';`,
  22: `
    UPDATE tidegate.sessions SET filters = '{$share/plant/devices/+}';`,
};
