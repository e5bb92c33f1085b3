import { availableParallelism } from 'node:os';
import type { Config } from '../config/load.ts';
import { attempt } from './attempt.ts';
import { inspectBroker } from './broker-inspection.ts';
import type { Diagnosis, Finding, Unseen } from './finding.ts';
import { diskOf, isClockSynchronised, memory, openFiles } from './host-inspection.ts';
import { hostFindings } from './host-rules.ts';
import { growthFrom, inspectServer } from './server-inspection.ts';
import { serverFindings } from './server-rules.ts';

/** Looks at the server, the broker and this machine, and changes nothing. Whatever cannot be reached is a finding. */
export async function examine(config: Config): Promise<Diagnosis> {
  const findings: Finding[] = [];
  const unseen: Unseen[] = [];
  const server = await attempt('server', 'connection', findings, () =>
    inspectServer(config, findings, unseen),
  );
  const host = await memory();
  if (server !== null) {
    findings.push(
      ...serverFindings({
        facts: server.facts,
        memory: server.isHere ? host.total : null,
        cores: server.isHere ? availableParallelism() : null,
        disk: server.disk?.total ?? null,
        peakPoints: server.store?.ingest?.peakPoints ?? 0,
        engine: server.store?.engine ?? 'postgres',
      }),
    );
  }
  await attempt('broker', 'connection', findings, async () => {
    findings.push(...(await inspectBroker(config, server?.store?.ingest ?? null, unseen)));
  });
  const { path, max_bytes: maxBytes } = config.spool;
  const spool = path === null ? null : await diskOf(path);
  const isSynchronised = await isClockSynchronised();
  if (isSynchronised === null) {
    unseen.push({
      area: 'host',
      what: 'whether the clock is synchronised',
      why: 'timedatectl does not say',
    });
  }
  findings.push(
    ...hostFindings({
      memory: host,
      openFiles: await openFiles('self'),
      isClockSynchronised: isSynchronised,
      databaseClock: server?.facts.clockAhead ?? null,
      dataDisk: server?.disk ?? null,
      growth: server === null ? null : growthFrom(server, config),
      spool: spool === null ? null : { ...spool, maxBytes },
      queueBytes: config.ingest.queue.max_bytes,
    }),
  );
  return { findings, unseen };
}
