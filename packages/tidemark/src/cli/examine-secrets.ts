/** `doctor` on secrets that vaults keep: whether each is given, and to whom. */
import { keptSecrets } from '../config/known-secrets.ts'
import type { LoadedProject } from '../config/load-project.ts'
import { printSecretRef } from '../config/secret.ts'
import { type Finding, failing, ok } from '../model/finding.ts'
import type { KeptRef } from '../model/project.ts'
import { toProblem } from '../run/problem-fact.ts'

/** One finding for each secret, however often the project names it. */
export async function examineSecrets({ project, vault }: LoadedProject): Promise<Finding[]> {
  if (vault === undefined) return []
  const kept = new Map(keptSecrets(project, ['sources', 'alerts']).map(ref => [printSecretRef(ref), ref]))
  await vault.fetch([...kept.values()])
  const examine = async (reference: string, ref: KeptRef): Promise<Finding> => {
    try {
      vault.open(ref)
      return ok('secret', `${reference} is given to ${await vault.describeLogin(ref)}`)
    } catch (error) {
      return failing('secret', toProblem(error, reference))
    }
  }
  return await Promise.all(Array.from(kept, ([reference, ref]) => examine(reference, ref)))
}
