import { fileURLToPath } from 'node:url';
import { MarianMTModel } from '@weft/marian';
import { expect, it } from 'vitest';
import { taskModels } from './models.js';

it('translates with Marian too', async () => {
  const folder = fileURLToPath(new URL('../../marian/fixtures/tiny', import.meta.url));
  using model = (await taskModels.translation.fromPretrained(folder)) as MarianMTModel;
  expect(model).toBeInstanceOf(MarianMTModel);
});
