import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** What may be code when it is read: never fetched, never copied. */
export function isPickle(path: string): boolean {
  return /\.(bin|pt|pth|ckpt|pkl|pickle)$/i.test(path);
}

const single = /^model\.safetensors$/;
const sharded = /^model(-\d{5}-of-\d{5}\.safetensors|\.safetensors\.index\.json)$/;
/** Weights of other runtimes, and what training leaves beside a model. */
const elsewhere = /^(onnx|openvino|coreml|gguf|flax|tflite|runs|logs|checkpoint-\d+|\.[^/]*)\//i;
const beside = /^(optimizer|scheduler|rng_state|trainer_state|training_args)[^/]*$/;
const readable = /\.(json|txt|model|jinja|md)$/i;
const named = /(^|\/)(LICEN[SC]E|NOTICE|README)[^/]*$/i;

/** True for the files at the top of a model that hold its weights. */
export function isWeights(path: string): boolean {
  return single.test(path) || sharded.test(path);
}

/**
 * Of a model's files those that weft and Python read a model from: safetensors in one form, configuration,
 * tokenizer, card and licence. Not the same weights again in another format, and no pickle.
 */
export function filesOfModel(paths: readonly string[]): string[] {
  const isSingle = paths.some((path) => single.test(path));
  return paths.filter((path) => {
    if (elsewhere.test(path) || beside.test(path) || isPickle(path)) return false;
    if (isWeights(path)) return single.test(path) || !isSingle;
    // A module of a sentence-transformers model is a folder with weights of its own.
    return /\/model\.safetensors$/.test(path) || readable.test(path) || named.test(path);
  });
}

/** All files under a folder, as names parted by /, sorted; links to files count, links to folders do not. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(path)))) {
      found.push(relative(folder, path).split(sep).join('/'));
    }
  }
  return found.sort();
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}
