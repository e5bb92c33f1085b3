import type { FastifyInstance } from 'fastify';
import { ExplainAnswerSchema, type Message, MessageSchema } from './explain-schemas.ts';
import type { HttpPorts } from './ports.ts';
import { sendProblem } from './problem.ts';

export function explainRoutes(api: FastifyInstance, ports: HttpPorts): void {
  api.post<{ Body: Message }>(
    '/explain',
    {
      config: { looks: true, byDevice: true },
      schema: {
        summary: 'What would become of a message: its route, its points, or why it would be a dead letter',
        description: 'Nothing is published or stored. As `tidegate explain --json` prints it.',
        body: MessageSchema,
        response: { 200: ExplainAnswerSchema },
      },
    },
    async ({ body: { topic, payload, payload_base64: base64 } }, reply) => {
      if ((payload === undefined) === (base64 === undefined)) {
        return sendProblem(reply, 400, 'payload: give it as text, or payload_base64; one of them.');
      }
      const bytes = payload === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(payload);
      return { success: true, ...(await ports.explain(topic, bytes)) };
    },
  );
}
