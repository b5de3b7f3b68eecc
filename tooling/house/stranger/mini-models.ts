import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { miniModel, miniModelFor, miniModels } from '@weft/mini-models';

for (const { name, folder, tasks, bytes } of miniModels()) {
  const { architectures } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  const weights = statSync(join(folder, 'model.safetensors')).size;
  if (weights > bytes || tasks.length === 0) throw new Error(`${name}: ${weights} of ${bytes}`);
  console.log(name, architectures[0], tasks.join(', '));
}
if (miniModelFor('translation_en_to_fr') !== miniModel('t5-mini-translation').folder)
  throw new Error('translation');
console.log('ok');
