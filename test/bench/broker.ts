import { startBroker, type TestBroker } from '../support/broker.ts';

/** mosquitto whose queues have no limit, and whose log says who subscribes. */
export async function startBenchBroker(): Promise<TestBroker> {
  const logged = ['error', 'warning', 'notice', 'information', 'subscribe'];
  const config = ['max_inflight_messages 5000', ...logged.map((type) => `log_type ${type}`)];
  return await startBroker({ kind: 'mosquitto', config });
}
