export { syncFolder, writeFileAtomic, writeJsonAtomic } from './atomic.js';
export { parseConfig, readConfig, readJson } from './config.js';
export type { DownloadProgress } from './download.js';
export { bfloatToFloat, type Dtype, floatToBfloat, floatToHalf, halfToFloat } from './dtype.js';
export type { TensorInfo } from './header.js';
export { openWeights, WeightsFile } from './open-weights.js';
export { type HubOptions, isLocalFolder, type ResolveOptions, resolveModelFiles } from './resolve.js';
export { SafetensorsFile, type StoredTensor, type TensorData } from './safetensors-file.js';
export {
  pytorchMetadata,
  type SaveWeightsOptions,
  saveWeights,
  type TensorsToWrite,
  type TensorToWrite,
  writeSafetensors,
} from './write-safetensors.js';
