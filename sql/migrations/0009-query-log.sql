-- compatible_from: 4
-- How long queries took, and the last day of it by type.
CREATE TABLE :"schema".iot_query_logs (
  query_type text NOT NULL,
  duration_ms double precision NOT NULL,
  result_count bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX iot_query_logs_created_at ON :"schema".iot_query_logs (created_at);
COMMENT ON TABLE :"schema".iot_query_logs IS 'One row a query that was answered; kept for policies.retention.query_log';

CREATE VIEW :"schema".v_iot_query_performance AS
SELECT query_type, count(*) AS execution_count, avg(duration_ms) AS avg_duration_ms,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95_duration_ms,
  avg(result_count)::double precision AS avg_result_count
FROM :"schema".iot_query_logs
WHERE created_at > now() - interval '24 hours'
GROUP BY query_type
ORDER BY avg_duration_ms DESC;
COMMENT ON VIEW :"schema".v_iot_query_performance IS 'iot_query_logs of the last 24 hours, by type';
