import type { HubOptions } from '@weft/checkpoint';
import { ConfigError } from '@weft/errors';

/** What a verb must know of a checkpoint before it loads one. */
export interface CheckpointInfo {
  model: string;
  modelType: string;
  architectures: string[];
  /** Names of the classes by number; LABEL_0, ... where config.json names none. */
  labels: string[];
  problemType: string | undefined;
  /** Tokens a text may have. */
  maxTokens: number;
  config: Record<string, unknown>;
}

/** Reads config.json of a folder or a model of the hub. */
export async function checkpointInfo(model: string, options: HubOptions): Promise<CheckpointInfo> {
  const { readJson, resolveModelFiles } = await import('@weft/checkpoint');
  const { 'config.json': path } = await resolveModelFiles(model, { ...options, files: ['config.json'] });
  const config = (await readJson(path!)) as Record<string, unknown>;
  const { architectures, model_type: modelType, problem_type: problemType } = config;
  return {
    model,
    modelType: String(modelType ?? ''),
    architectures: Array.isArray(architectures) ? architectures.map(String) : [],
    labels: labelsOf(config),
    problemType: typeof problemType === 'string' ? problemType : undefined,
    maxTokens: maxTokens(config),
    config,
  };
}

function labelsOf({ id2label, num_labels: count }: Record<string, unknown>): string[] {
  if (typeof id2label === 'object' && id2label !== null) {
    const names = Object.entries(id2label).map(([id, name]) => [Number(id), String(name)] as const);
    return names.sort(([a], [b]) => a - b).map(([, name]) => name);
  }
  return Array.from({ length: typeof count === 'number' ? count : 2 }, (_, i) => `LABEL_${i}`);
}

/** T5 names n_positions too, and has none: its positions are relative. */
function maxTokens({ model_type: modelType, ...config }: Record<string, unknown>): number {
  const positions = modelType === 'gpt2' ? config.n_positions : config.max_position_embeddings;
  if (typeof positions !== 'number') return Number.POSITIVE_INFINITY;
  // RoBERTa numbers positions from behind its padding token.
  return modelType === 'roberta' ? positions - Number(config.pad_token_id ?? 1) - 1 : positions;
}

/** Whether a checkpoint has a head for a task, told by its architecture: ForSequenceClassification, say. */
export const hasHead = ({ architectures }: CheckpointInfo, head: string): boolean =>
  architectures.some((name) => name.endsWith(head));

/** The tokens that texts are cut to: as wished, within what model and tokenizer take. @throws ConfigError */
export function textLimit(
  info: CheckpointInfo,
  tokenizer: { modelMaxLength: number },
  wished: number | undefined,
  usual = 512,
): number {
  const most = Math.min(info.maxTokens, tokenizer.modelMaxLength);
  if (wished === undefined) return Math.min(most, usual);
  if (wished >= 4 && wished <= info.maxTokens) return wished;
  throw new ConfigError({
    operation: `cut texts for ${info.model}`,
    expected: `a length of 4 to ${info.maxTokens} tokens`,
    received: String(wished),
    remedy: 'correct --max-length',
  });
}
