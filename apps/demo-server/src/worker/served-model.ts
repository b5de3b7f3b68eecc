/** A checkpoint loaded for serving: what it is, and what it can be asked. */

import type * as tf from '@tensorflow/tfjs';
import type {
  AutoModelForSequenceClassification,
  BertModel,
  DistilBertModel,
  RobertaModel,
  SentenceEncoder,
} from '@weft/bert';
import { readJson, resolveModelFiles } from '@weft/checkpoint';
import { ConfigError } from '@weft/errors';
import type { GenerativeModel } from '@weft/generation';
import type { TaskName } from '@weft/pipelines';
import type { AutoTokenizer } from '@weft/tokenizer';
import { noAbilities } from '../pool/plain.js';
import type { ModelInfo } from '../pool/protocol.js';

export type Tokenizer = Awaited<ReturnType<typeof AutoTokenizer.fromPretrained>>;
export type Classifier = Awaited<ReturnType<(typeof AutoModelForSequenceClassification)['fromPretrained']>>;
export type Encoder = BertModel | DistilBertModel | RobertaModel;

/** Ids of one batch, padded to one length. */
export interface Rows {
  inputIds: number[][];
  attentionMask?: number[][];
  tokenTypeIds?: number[][];
}

/** The abilities of a loaded model; those that it lacks are undefined. */
export interface ServedModel {
  readonly source: string;
  readonly tokenizer: Tokenizer;
  readonly info: ModelInfo;
  readonly generative?: GenerativeModel;
  readonly classifier?: Classifier;
  readonly sentences?: SentenceEncoder;
  /** What answers each task of `info.tasks`. */
  readonly taskModels: Readonly<Record<string, { dispose(): void }>>;
  /** Attention probabilities of a text, a tensor [1, H, T, T] a layer. */
  readonly attend?: (rows: Rows) => tf.Tensor4D[];
}

export interface SourceOptions {
  revision?: string;
  localFilesOnly?: boolean;
}

type Family = 'gpt2' | 'bert' | 't5' | 'other';
const familyOf = (architecture: string): Family => {
  if (architecture === 'GPT2LMHeadModel') return 'gpt2';
  if (/^(Bert|DistilBert|Roberta)/.test(architecture)) return 'bert';
  if (architecture === 'T5ForConditionalGeneration') return 't5';
  return 'other';
};

/**
 * Loads a folder or a model of the hub with the class that its config.json names.
 *
 * @throws ConfigError when no class of weft serves it, and what loading throws
 */
export async function loadServedModel(source: string, options: SourceOptions = {}): Promise<ServedModel> {
  const { 'config.json': path } = await resolveModelFiles(source, { ...options, files: ['config.json'] });
  const config = (await readJson(path!)) as { architectures?: string[]; model_type?: string };
  const architecture = config.architectures?.[0] ?? defaultArchitecture(config.model_type);
  const { AutoTokenizer } = await import('@weft/tokenizer');
  const tokenizer = await AutoTokenizer.fromPretrained(source, options);
  const load = loaders[familyOf(architecture)];
  const quiet = { ...options, warn: () => {} };
  return load({ source, architecture, tokenizer, options: quiet });
}

function defaultArchitecture(modelType: string | undefined): string {
  const byType: Record<string, string> = {
    gpt2: 'GPT2LMHeadModel',
    bert: 'BertModel',
    distilbert: 'DistilBertModel',
    roberta: 'RobertaModel',
    t5: 'T5ForConditionalGeneration',
  };
  return byType[modelType ?? ''] ?? `a model of type ${modelType ?? 'none'}`;
}

interface Loading {
  source: string;
  architecture: string;
  tokenizer: Tokenizer;
  options: SourceOptions & { warn: () => void };
}

const loaders: Record<Family, (loading: Loading) => Promise<ServedModel>> = {
  gpt2: async ({ source, architecture, tokenizer, options }) => {
    const { GPT2LMHeadModel } = await import('@weft/gpt2');
    const model = await GPT2LMHeadModel.fromPretrained(source, options);
    const { n_layer: layers, n_head: heads, n_positions: maxTokens } = model.config;
    return {
      source,
      tokenizer,
      generative: model,
      taskModels: { 'text-generation': model },
      attend: ({ inputIds }) =>
        model.transformer.forward({ inputIds, outputAttentions: true }).attentions as tf.Tensor4D[],
      info: {
        ...noAbilities,
        architecture,
        tasks: ['text-generation'],
        explain: ['generate', 'attention', 'tokenize'],
        completions: true,
        layers,
        heads,
        maxTokens,
      },
    };
  },

  t5: async ({ source, architecture, tokenizer, options }) => {
    const { T5ForConditionalGeneration } = await import('@weft/t5');
    const model = await T5ForConditionalGeneration.fromPretrained(source, options);
    return {
      source,
      tokenizer,
      generative: model,
      taskModels: Object.fromEntries(textToText.map((task) => [task, model])),
      info: {
        ...noAbilities,
        architecture,
        tasks: textToText,
        explain: ['generate', 'tokenize'],
        completions: true,
        layers: model.config.num_layers,
        heads: model.config.num_heads,
      },
    };
  },

  bert: async ({ source, architecture, tokenizer, options }) => {
    const bert = await import('@weft/bert');
    const { attend, sentences, model } = await loadEncoder(bert, source, architecture, options);
    const { config } = sentences.encoder as { config: EncoderSizes };
    const isClassifier = architecture.endsWith('ForSequenceClassification');
    const labels = isClassifier ? labelsOf((model as Classifier).config) : null;
    // Any text is judged by whether another follows from it: only models trained for that can.
    const entails = labels?.some((label) => /^entail/i.test(label)) ?? false;
    const ofHead = [
      ...(encoderTasks[headOf(architecture)] ?? []),
      ...(entails ? ['zero-shot-classification'] : []),
    ];
    return {
      source,
      tokenizer,
      ...(isClassifier ? { classifier: model as Classifier } : {}),
      sentences,
      attend,
      taskModels: {
        ...Object.fromEntries(ofHead.map((task) => [task, model])),
        'feature-extraction': sentences.encoder,
      },
      info: {
        ...noAbilities,
        architecture,
        tasks: [...ofHead, 'feature-extraction'],
        explain: [...(isClassifier ? (['sentiment'] as const) : []), 'attention', 'tokenize'],
        embeddings: true,
        labels,
        layers: config.num_hidden_layers ?? config.n_layers ?? null,
        heads: config.num_attention_heads ?? config.n_heads ?? null,
        maxTokens: sentences.maxLength,
      },
    };
  },

  // Families that the pipelines know: what they can do there, and no look inside.
  other: async ({ source, architecture, tokenizer, options }) => {
    const tasks = otherTasks.find(([pattern]) => pattern.test(architecture))?.[1];
    if (!tasks) throw notServed(source, architecture);
    const { taskModels } = await import('@weft/pipelines');
    const model = (await taskModels[tasks[0]!].fromPretrained(source, options)) as OtherModel;
    const isClassifier = tasks[0] === 'text-classification';
    const writes = typeof model.startDecoding === 'function';
    return {
      source,
      tokenizer,
      ...(writes ? { generative: model as GenerativeModel } : {}),
      ...(isClassifier ? { classifier: model as unknown as Classifier } : {}),
      taskModels: Object.fromEntries(tasks.map((task) => [task, model])),
      info: {
        ...noAbilities,
        architecture,
        tasks: [...tasks],
        explain: [
          ...(writes ? (['generate'] as const) : []),
          ...(isClassifier ? (['sentiment'] as const) : []),
          'tokenize',
        ],
        completions: writes,
        labels: isClassifier ? labelsOf(model.config) : null,
        maxTokens: model.maxPositions ?? null,
      },
    };
  },
};

type OtherModel = Partial<GenerativeModel> & { config: { id2label?: unknown }; dispose(): void };

const otherTasks: readonly (readonly [RegExp, readonly TaskName[]])[] = [
  [/ForSequenceClassification$/, ['text-classification']],
  [/MTModel$/, ['translation', 'text2text-generation']],
  [/ForConditionalGeneration$/, ['text2text-generation', 'translation', 'summarization']],
  [/(LMHeadModel|ForCausalLM)$/, ['text-generation']],
];

const textToText = ['text2text-generation', 'translation', 'summarization'];

const encoderTasks: Record<string, string[]> = {
  ForSequenceClassification: ['text-classification'],
  ForQuestionAnswering: ['question-answering'],
  ForTokenClassification: ['token-classification'],
  ForMaskedLM: ['fill-mask'],
};

/** BertForMaskedLM -> ForMaskedLM */
const headOf = (architecture: string): string => architecture.replace(/^(Bert|DistilBert|Roberta)/, '');

type BertPackage = typeof import('@weft/bert');

/** An encoder, with its head where config.json names one; both share their weights. */
async function loadEncoder(bert: BertPackage, source: string, architecture: string, options: object) {
  const head = headOf(architecture);
  const heads = {
    ForSequenceClassification: bert.AutoModelForSequenceClassification,
    ForQuestionAnswering: bert.AutoModelForQuestionAnswering,
    ForTokenClassification: bert.AutoModelForTokenClassification,
    ForMaskedLM: bert.AutoModelForMaskedLM,
  };
  if (!(head in heads)) {
    // Folders of sentence-transformers say how to pool; others are pooled by the mean.
    const sentences = await bert.SentenceEncoder.fromPretrained(source, options);
    return { sentences, model: sentences.encoder, attend: attention(sentences.encoder) };
  }
  const model = await heads[head as keyof typeof heads].fromPretrained(source, options);
  const encoder = baseOf(model);
  return { sentences: new bert.SentenceEncoder(encoder), model, attend: attention(encoder) };
}

function baseOf(model: object): Encoder {
  const { bert, distilbert, roberta } = model as { bert?: Encoder; distilbert?: Encoder; roberta?: Encoder };
  return (bert ?? distilbert ?? roberta)!;
}

const attention =
  (encoder: Encoder): ((rows: Rows) => tf.Tensor4D[]) =>
  (rows) =>
    encoder.forward({ ...rows, outputAttentions: true }).attentions!;

/** DistilBERT spells its sizes in its own way. */
interface EncoderSizes {
  num_hidden_layers?: number;
  num_attention_heads?: number;
  n_layers?: number;
  n_heads?: number;
}

/** Labels in the order of the logits. */
export function labelsOf(config: { id2label?: unknown }): string[] {
  const stated = (config.id2label ?? {}) as Record<string, string>;
  return Object.entries(stated)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, label]) => label);
}

const notServed = (source: string, received: string): ConfigError =>
  new ConfigError({
    operation: `serve ${source}`,
    expected: 'a GPT-2 or T5 language model, or a BERT, DistilBERT or RoBERTa encoder with or without a head',
    received,
    remedy: 'choose another checkpoint',
  });
