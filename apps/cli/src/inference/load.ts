import type { HubOptions } from '@weft/checkpoint';
import { ConfigError } from '@weft/errors';
import { checkpointInfo, hasHead } from '../training/checkpoint-info.js';
import type { AnswerFinder } from './answer-finder.js';
import type { PredictorContext } from './predictor.js';
import type { TextClassifier } from './text-classifier.js';
import type { TextWriter } from './text-writer.js';
import type { WordTagger } from './word-tagger.js';

/** A predictor, by the task that its checkpoint's head is for. */
export type LoadedPredictor =
  | { task: 'classification'; predictor: TextClassifier }
  | { task: 'token-classification'; predictor: WordTagger }
  | { task: 'question-answering'; predictor: AnswerFinder }
  | { task: 'translation'; predictor: TextWriter };

/**
 * Loads a checkpoint for the task of its head, with its tokenizer.
 *
 * @throws ConfigError for a checkpoint that has learnt none of the tasks
 */
export async function loadPredictor(
  model: string,
  flags: PredictorContext['flags'] & HubOptions,
  note: (text: string) => void,
): Promise<LoadedPredictor> {
  const info = await checkpointInfo(model, flags);
  const head = [
    'ForSequenceClassification',
    'ForTokenClassification',
    'ForQuestionAnswering',
    'ForConditionalGeneration',
    'MTModel',
  ].find((name) => hasHead(info, name));
  if (head === undefined) throw withoutHead(model, info.architectures);
  const { AutoTokenizer } = await import('@weft/tokenizer');
  const tokenizer = await AutoTokenizer.fromPretrained(model, flags);
  const { revision, localFilesOnly } = flags;
  const hub = {
    ...(revision === undefined ? {} : { revision }),
    ...(localFilesOnly ? { localFilesOnly } : {}),
  };
  const context = { info, tokenizer, flags, load: { ...hub, warn: note } };
  switch (head) {
    case 'ForSequenceClassification':
      return {
        task: 'classification',
        predictor: await (await import('./text-classifier.js')).TextClassifier.load(context),
      };
    case 'ForTokenClassification':
      return {
        task: 'token-classification',
        predictor: await (await import('./word-tagger.js')).WordTagger.load(context),
      };
    case 'ForQuestionAnswering':
      return {
        task: 'question-answering',
        predictor: await (await import('./answer-finder.js')).AnswerFinder.load(context),
      };
    default:
      return {
        task: 'translation',
        predictor: await (await import('./text-writer.js')).TextWriter.load(context),
      };
  }
}

function withoutHead(model: string, architectures: readonly string[]): ConfigError {
  return new ConfigError({
    operation: `load ${model}`,
    expected: 'a checkpoint for classification, token classification, question answering or translation',
    received: architectures.join(', ') || 'one whose config.json names no architecture',
    remedy: 'teach it the task first: weft finetune -m ... --task ...',
  });
}
