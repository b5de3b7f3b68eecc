export { syncFolder, writeFileAtomic, writeJsonAtomic } from './atomic.js';
export { parseConfig, readConfig, readJson } from './config.js';
export {
  type ConvertedCheckpoint,
  type ConvertOptions,
  convertCheckpoint,
  type Precision,
} from './convert.js';
export type { DownloadProgress } from './download.js';
export {
  type DownloadedModel,
  type DownloadModelOptions,
  downloadModel,
  type ModelDownloadProgress,
} from './download-model.js';
export {
  bfloatToFloat,
  type Dtype,
  floatToBfloat,
  floatToHalf,
  halfToFloat,
  type TensorData,
} from './dtype.js';
export type { TensorInfo } from './header.js';
export {
  type FileCheck,
  lockFileName,
  lockModel,
  type ModelCheck,
  type ModelLock,
  type VerifyOptions,
  verifyModel,
} from './lock.js';
export { openWeights, WeightsFile } from './open-weights.js';
export { type HubOptions, isLocalFolder, type ResolveOptions, resolveModelFiles } from './resolve.js';
export { type Allocate, SafetensorsFile, type StoredTensor } from './safetensors-file.js';
export { type SaveWeightsOptions, saveWeights } from './save-weights.js';
export {
  pytorchMetadata,
  type TensorsToWrite,
  type TensorToWrite,
  writeSafetensors,
} from './write-safetensors.js';
