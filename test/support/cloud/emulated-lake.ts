/** A lake on an emulator as a project names it: what goes into `tidemark.yml`, and what into the environment. */
import { AZURITE_ACCOUNT, AZURITE_KEY } from './azurite.ts'
import { MOTO_LOGIN } from './moto.ts'

export interface EmulatedLake {
  readonly keys: { readonly lake: string; readonly lake_options: object }
  readonly env: Readonly<Record<string, string>>
}

/** @param endpoint of the emulator, or of what stands before it */
export function azuriteLake(endpoint: string, lake: string): EmulatedLake {
  const login = { account: AZURITE_ACCOUNT, account_key: { secret: 'env:LAKE_KEY' } }
  return { keys: { lake, lake_options: { endpoint, ...login } }, env: { LAKE_KEY: AZURITE_KEY } }
}

/** @param endpoint of the emulator, or of what stands before it */
export function motoLake(endpoint: string, lake: string): EmulatedLake {
  const login = { access_key_id: MOTO_LOGIN.accessKeyId, secret_access_key: { secret: 'env:LAKE_SECRET' } }
  return { keys: { lake, lake_options: { endpoint, ...login } }, env: { LAKE_SECRET: MOTO_LOGIN.secretAccessKey } }
}
