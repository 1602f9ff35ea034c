// Asks the ports of claims' instances without holding up anybody: a pass starts the question and goes on,
// and the claim is looked at again when the port answers.
import type { InstanceClaim } from '../../api/instance-claim.ts';
import { type Key, keyOfObject } from '../../kube/index.ts';
import type { PortSeen } from '../../plan/instance-claim-judgements.ts';
import type { TcpProbe } from '../tcp-probe.ts';

export interface PortProbes {
  /** What is known of the port by now; asks it unless that is under way. */
  look(claim: InstanceClaim, address: string, port: number): PortSeen;
  /** The claim is gone, or needs no answer any more. */
  forget(key: Key): void;
  stop(): void;
}

interface Question {
  readonly uid: string;
  readonly isOpen: boolean;
}

/** `wake` is called with the key of a claim whose port answered. */
export function createPortProbes(tcpProbe: TcpProbe, wake: (key: Key) => void): PortProbes {
  const questions = new Map<Key, Question>();
  const stopping = new AbortController();

  async function ask(key: Key, question: Question, address: string, port: number): Promise<void> {
    const isOpen = await tcpProbe.isOpen(address, port, stopping.signal);
    if (questions.get(key) !== question) return;
    // A closed one is asked anew in the next pass, an answer is news.
    if (!isOpen || stopping.signal.aborted) questions.delete(key);
    else {
      questions.set(key, { ...question, isOpen });
      wake(key);
    }
  }

  return {
    look(claim, address, port) {
      const key = keyOfObject(claim);
      const { uid } = claim.metadata;
      const known = questions.get(key);
      if (known?.uid === uid) return known.isOpen ? 'open' : 'unread';
      const question = { uid, isOpen: false };
      questions.set(key, question);
      void ask(key, question, address, port);
      return 'unread';
    },
    forget: (key) => questions.delete(key),
    stop: () => stopping.abort(),
  };
}
