import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BertForQuestionAnswering } from '@weft/bert';
import { writeJsonAtomic } from '@weft/checkpoint';
import { AutoTokenizer } from '@weft/tokenizer';
import { dataCollatorWithPadding, type TokenizedExample, Trainer } from '@weft/trainer';
import { type ReadingWindow, readingWindows, type SoftPlace, shownText, softPlace } from './reading.js';

/** Likely places that are kept of what the larger model says of a window. */
const PLACES = 8;

/** Where the larger model finds the first and the last character of each window's answer; computed once a run. */
export async function teacherPlaces(
  folder: string,
  windows: readonly ReadingWindow[],
  file: string,
): Promise<[SoftPlace, SoftPlace][]> {
  if (existsSync(file)) {
    const known = JSON.parse(readFileSync(file, 'utf8')) as [SoftPlace, SoftPlace][];
    // Of other windows, if the recipe has changed since.
    if (known.length === windows.length) return known;
  }
  const tokenizer = await AutoTokenizer.fromPretrained(folder);
  const shown = windows.map(shownText);
  // Its vocabulary is the larger one: what the student sees in one window it sees too.
  const seen = readingWindows(
    tokenizer,
    windows.map(({ question }, w) => ({ question, context: shown[w]!.text })),
    { maxLength: 384, stride: 0 },
  );
  if (seen.length !== windows.length) throw new Error(`${seen.length} windows of ${windows.length}`);
  using model = await BertForQuestionAnswering.fromPretrained(folder);
  const trainer = new Trainer<TokenizedExample>({
    model,
    args: { outputDir: join(file, '..', 'teacher'), perDeviceEvalBatchSize: 32 },
    dataCollator: dataCollatorWithPadding({ tokenizer }),
  });
  // Sorted, so that little is padded.
  const order = seen
    .map((_, w) => w)
    .sort((a, b) => seen[a]!.example.inputIds.length - seen[b]!.example.inputIds.length);
  const { predictions, shapes } = await trainer.predict(order.map((w) => seen[w]!.example));
  const places = new Array<[SoftPlace, SoftPlace]>(windows.length);
  for (const [row, w] of order.entries()) {
    const length = shapes[row]![1]!;
    const of = (side: 'first' | 'last', logits: Float32Array): SoftPlace =>
      softPlace(seen[w]!, logits.subarray(0, seen[w]!.places.length), side, PLACES).map(
        ([character, probability]) => [character + shown[w]!.start, probability],
      );
    const logits = predictions[row] as Float32Array;
    places[w] = [of('first', logits.subarray(0, length)), of('last', logits.subarray(length))];
  }
  await writeJsonAtomic(file, places);
  return places;
}
