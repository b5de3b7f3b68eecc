import { z } from 'zod';
import type { App } from '../http/app.js';
import { clientSignal } from '../http/client.js';
import type { Context } from '../http/context.js';
import { EventStream } from '../http/event-stream.js';
import { RequestError } from '../request-error.js';
import { type FollowEvent, follow } from '../training/follow.js';
import { Runs } from '../training/runs.js';

const run = z.object({
  id: z.string(),
  modified: z.string(),
  entries: z.int(),
  step: z.int().nullable(),
  loss: z.number().nullable(),
  maxSteps: z.int().nullable(),
  active: z.boolean(),
});

export function trainingRoutes(api: App, { options, closing }: Context): void {
  const runs = options.watch === undefined ? undefined : new Runs(options.watch);
  api.get(
    '/training/runs',
    {
      schema: {
        tags: ['training'],
        summary: 'Runs of Trainers in the watched folder',
        response: { 200: z.object({ watching: z.boolean(), runs: z.array(run) }) },
      },
    },
    async () => ({ watching: runs !== undefined, runs: (await runs?.list()) ?? [] }),
  );
  api.get(
    '/training/events',
    {
      // A HEAD request would follow the run for nobody.
      exposeHeadRoute: false,
      schema: {
        tags: ['training'],
        summary: 'Follow a run, as server-sent events',
        querystring: z.object({ run: z.string().max(500).optional() }),
      },
    },
    async (request, reply) => {
      const found = await runs?.find(request.query.run);
      if (!found) throw new RequestError(404, 'not_found', 'there is no such run', 'run');
      const stream = new EventStream();
      const signal = AbortSignal.any([clientSignal(reply), closing]);
      const { modified, maxSteps } = found;
      stream.send({ id: found.id, modified, maxSteps }, 'run');
      void pump(stream, follow(found.file, { signal })).catch(() => stream.end());
      return stream.reply(reply);
    },
  );
}

async function pump(stream: EventStream, events: AsyncIterable<FollowEvent>): Promise<void> {
  for await (const event of events) {
    if (event.type === 'history') stream.send({ entries: event.entries }, 'history');
    else if (event.type === 'entry') stream.send(event.entry, 'entry');
    else if (event.type === 'reset') stream.send({}, 'reset');
    else stream.raw(': still here\n\n');
  }
  stream.end();
}
