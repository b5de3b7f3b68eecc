import { colors } from '../colors.js';
import { printLine } from '../terminal.js';
import { cast, pace, type Stage } from './stage.js';

/** Of the kind that the model has learnt from: what a picture shows. */
const texts = [
  'Two dogs run along the beach.',
  'A woman in a red coat is reading a book on a bench.',
  'A little girl eats an ice cream in the sun.',
];

/** The same sentences in two languages, by one model. */
export async function translating({ signal }: Stage): Promise<void> {
  const folder = await cast('t5-mini-translation');
  const { pipeline } = await import('@weft/pipelines');
  using translate = await pipeline('translation_en_to_de', folder, { signal });
  const started = performance.now();
  const german = await translate(texts, { signal });
  const french = await translate(texts, { srcLang: 'en', tgtLang: 'fr', signal });
  for (const [i, text] of texts.entries()) {
    printLine(text);
    printLine(`  ${colors.dim('de')}  ${german[i]!.translationText}`);
    printLine(`  ${colors.dim('fr')}  ${french[i]!.translationText}`);
  }
  printLine(pace(2 * texts.length, 'translation', started));
}
