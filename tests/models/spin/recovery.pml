/*
 * The recovery protocol in the smallest scope in which everything meets: three agents, two coordinators of one execution, and crashes of any of them.
 *
 * Agent 0 worked in its interval 1 and sent to 1 and to 2; agent 1, once it has consumed that, acts and sends to 2. Agents work on while the recovery runs.
 * Suspect is agent 0's interval or agent 1's, and with SIGNALS 2 both may be.
 *
 * The network is a set: what was sent can be delivered at any time after, in any order, any number of times. A step is only one that changes something. So
 * repetition by timers needs no steps of its own, except where a crash came between a durable write and what follows from it: that was never sent.
 *
 * Names are the code's: phases of ParticipantPhase and CoordinatorPhase, messages of RecoveryMessageKind. Labels S1 to S16 are those of the README.
 */

#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef TAKEOVERS
#define TAKEOVERS 1             /* by a coordinator while the other one is alive */
#endif
#ifndef SIGNALS
#define SIGNALS 1
#endif
#ifndef MUTANT
#define MUTANT 0
#endif

#define SkipTheEpochCheck         (MUTANT == 1)
#define DecideBeforeAllVotes      (MUTANT == 2)
#define CompensateInForwardOrder  (MUTANT == 3)
#define ReleaseBeforeRestored     (MUTANT == 4)
#define ConsumeWhatIsUndone       (MUTANT == 5)
#define PresumeAbortUnchecked     (MUTANT == 6)
#define VoteBeforeItIsDurable     (MUTANT == 7)
#define CommitBeforeItIsDurable   (MUTANT == 8)
#define CompensateAgain           (MUTANT == 9)
#define LeaveThePromiseAlone      (MUTANT == 10)
#define NeverResume               (MUTANT == 11)
#define DropTheBarrier            (MUTANT == 12)

/* ParticipantPhase */
#define Active        0
#define Prepared      1
#define Compensating  2         /* of both */
#define Restored      3
/* CoordinatorPhase */
#define Signalled     0         /* no recovery yet */
#define Preparing     1
#define Restoring     3
#define Completed     4
#define Aborted       5

/* Actions, and what consumed messages did them: agent 0's; agent 1's; agent 2's on agent 0's message, and on agent 1's. */
#define A0  1
#define A1  2
#define A2x 4
#define A2y 8

#define EPOCHS 5                /* 1 + take-overs + crashes, at most 4, and one more for the array */
#define PLANS  5
#define bit(n) (1 << (n))

/* ---- Agents: durable. Live work of first lives has version 1, of lives after a rollback version 2. */
byte ph[3], ep[3];
byte promisedPlan[3], promisedUndo[3];
byte barredPlan[3], barred[3];  /* barred: a bit for each producer */
bool over[3];                   /* ParticipantState.Ended */
byte dead[3];                   /* undone ranges: a bit for each producer whose version 1 is dead */
bool isUndone[3];               /* its version 1, from its target on */
byte c01, c02, c12;             /* which version of which message is consumed; 0 none */
bool yFirst;                    /* agent 2 consumed agent 1's message first */
bool redone;                    /* agent 0 has sent version 2 */
byte s12;                       /* which version of its message agent 1 has sent last */
byte done;                      /* actions of first lives */
byte settled;                   /* compensations that are recorded */
/* Volatile. */
byte running;

/* ---- The network. For each agent and plan: epochs under which prepare was sent, and its content. */
byte prepare[15], content[15];
byte vote[15];                  /* bit 7: sent; bit 6: ready; the rest: what would be undone */
byte commitE, restoreE, releaseE, abortE;   /* epochs */
byte old[3];                    /* epochs of messages that have nothing more to say */
byte compensateE[4];            /* epochs, for each action */
byte compensated, restored;     /* reports */

/* ---- The execution's log. */
byte phase;
byte logEpoch, plan;
byte asked[3];                  /* plan last asked about; 0: no member */
byte suspects, invalid[3];
byte hasVoted, falls;
byte undo[3];
byte reported, opened;          /* compensations and restores that are reported */
bool isDecided, isEnded;
byte signals = SIGNALS;

/* ---- Coordinators. */
bool alive[2], fresh[2];        /* fresh: nobody else has written since it read or wrote */
bool knows[2];                  /* it knows that there is a recovery */
byte epochOf[2];

byte crashes = CRASHES, takeOvers = TAKEOVERS;

#define at(a, p)     ((a) * PLANS + (p))
#define IsMember(a)  (asked[a] > 0)
#define Falls(a)     (falls & bit(a))
#define members ((asked[0] > 0) | ((asked[1] > 0) << 1) | ((asked[2] > 0) << 2))
#define undoAll      (undo[0] | undo[1] | undo[2])

#define Has(set, e)  ((set) & bit(e))

/* Is there a message under an epoch that the agent still heeds? Pick takes any such epoch. */
#define lowest(a)    (SkipTheEpochCheck -> 1 : ep[a])
#define Heeds(a, set) (((set) >> lowest(a)) > 0)

/* It hears one of them, of the epochs in `under`. */
inline Hear(a) {
  e = lowest(a);
  do
  :: Has(under, e) -> break
  :: (under >> (e + 1)) > 0 -> e++
  od;
  assert(e >= ep[a]);           /* the fence (R-PAR-14) */
  ep[a] = e;
  e = 0; under = 0
}

/* Under which epochs something is under way to an agent. */
#define anything(a) (old[a] | prepare[at(a, 1)] | prepare[at(a, 2)] | prepare[at(a, 3)] | prepare[at(a, 4)] | (Falls(a) -> (commitE | restoreE) : 0) | releaseE | abortE)

#define Bars(a, producer, version) \
  (!ConsumeWhatIsUndone && ((barred[a] & bit(producer)) || ((version) == 1 && (dead[a] & bit(producer)))))

/* After a durable write of an agent: it goes on, or dies before it says anything. */
inline Written(dies) {
  if
  :: dies = false
  :: crashes > 0 -> crashes--; dies = true
  fi
}

inline OnPrepare(a, p) {
  under = prepare[at(a, p)]; Hear(a);
  if
  :: over[a] || ph[a] > Prepared -> skip
  :: else ->
    if
    :: ph[a] == Prepared && promisedPlan[a] >= p -> /* repeats the stored vote */
      vote[at(a, promisedPlan[a])] = 128 | 64 | promisedUndo[a]
    :: ph[a] == Active && barredPlan[a] >= p ->
      vote[at(a, barredPlan[a])] = 128
    :: else ->
      Estimate(a, content[at(a, p)]);
      assert(ph[a] == Active || (estimate & promisedUndo[a]) == promisedUndo[a]); /* S4: the line only falls */
      if
      :: estimate == 0 ->
        barredPlan[a] = p;
        barred[a] = content[at(a, p)] & 3;
        if :: DropTheBarrier -> barred[a] = 0 :: else fi;
        Written(dies);
        if :: !dies -> vote[at(a, p)] = 128 :: else fi
      :: VoteBeforeItIsDurable && crashes > 0 -> crashes--; vote[at(a, p)] = 128 | (estimate > 0 -> 64 : 0) | estimate
      :: estimate > 0 ->
        ph[a] = Prepared;
        promisedPlan[a] = p;
        promisedUndo[a] = estimate;
        barredPlan[a] = 0;
        barred[a] = 0;
        Written(dies);
        if :: !dies -> vote[at(a, p)] = 128 | 64 | estimate :: else fi
      fi;
      estimate = 0; dies = false
    fi
  fi
}

/* UndoEstimate: what the agent would undo, as the actions of the intervals from its target on. what: bits 0 and 1 invalid producers, bit 2 suspect. */
inline Estimate(a, what) {
  if
  :: a == 0 -> estimate = ((what & 4) -> A0 : 0)
  :: a == 1 -> estimate = (((what & 4) || ((what & 1) && c01 == 1)) && (done & A1) && !isUndone[1] -> A1 : 0)
  :: a == 2 ->
    estimate = (((what & 1) && c02 == 1) -> A2x : 0) | (((what & 2) && c12 == 1) -> A2y : 0);
    if
    :: estimate == A2x && c12 > 0 && !yFirst -> estimate = A2x | A2y /* what came after falls too */
    :: estimate == A2y && c02 > 0 && yFirst -> estimate = A2x | A2y
    :: else
    fi
  fi
}

/* One durable write: what is from the target on is undone. */
inline RollBack(a) {
  assert(isDecided && Falls(a) && undo[a] == promisedUndo[a]);  /* S4, S13, S14 */
  ph[a] = Restored;
  isUndone[a] = true;
  if
  :: a == 1 -> c01 = 0
  :: a == 2 ->
    if :: promisedUndo[2] & A2x -> c02 = 0 :: else fi;
    if :: promisedUndo[2] & A2y -> c12 = 0 :: else fi
  :: else
  fi
}

inline ForgetPrepares(a) {
  prepare[at(a, 1)] = 0; prepare[at(a, 2)] = 0; prepare[at(a, 3)] = 0; prepare[at(a, 4)] = 0;
  content[at(a, 1)] = 0; content[at(a, 2)] = 0; content[at(a, 3)] = 0; content[at(a, 4)] = 0;
  vote[at(a, 1)] = 0; vote[at(a, 2)] = 0; vote[at(a, 3)] = 0; vote[at(a, 4)] = 0
}

inline Released(a) {
  ph[a] = Active; promisedPlan[a] = 0; promisedUndo[a] = 0; barredPlan[a] = 0; barred[a] = 0;
  over[a] = true; ep[a] = 0; old[a] = 0; /* nothing that still comes changes it: forgotten, so that equal states are equal */
  ForgetPrepares(a)
}

/* What release tells: which producers' version 1 is dead. */
#define UndoneFor(a) (invalid[a] & falls)

#define WhoDid(i) ((i) == 0 -> 0 : ((i) == 1 -> 1 : 2))

/* S10: what depends on it, among what falls, is settled. */
#define OrderHolds(i) ( \
  ((i) == 0 && (undoAll & (A1 | A2x) & ~settled) == 0) || \
  ((i) == 1 && (undoAll & A2y & ~settled) == 0) || \
  ((i) == 2 && (!(undoAll & A2y & ~settled) || yFirst)) || \
  ((i) == 3 && (!(undoAll & A2x & ~settled) || !yFirst)))

#define PREPARE_STEP(p) \
  :: atomic { Heeds(me, prepare[at(me, p)]) && !over[me] && ( \
      (ph[me] == Active && (barredPlan[me] < p || (phase == Preparing && !vote[at(me, barredPlan[me])]))) || \
      (ph[me] == Prepared && (promisedPlan[me] < p || (phase == Preparing && !vote[at(me, promisedPlan[me])])))) -> OnPrepare(me, p) }

#define COMPENSATE_STEP(i) \
  :: atomic { WhoDid(i) == me && Heeds(me, compensateE[i]) && ph[me] == Compensating && !(running & bit(i)) && (!(settled & bit(i)) || CompensateAgain) -> \
      under = compensateE[i]; Hear(me); \
      assert(isDecided);               /* S14 */ \
      assert(!(settled & bit(i)));     /* S8: what is recorded as compensated does not run again */ \
      assert(undo[me] & bit(i));       /* S9 */ \
      assert(OrderHolds(i));           /* S10 */ \
      running = running | bit(i) } \
  :: atomic { WhoDid(i) == me && Heeds(me, compensateE[i]) && ph[me] >= Compensating && (settled & bit(i)) && !(compensated & bit(i)) -> \
      under = compensateE[i]; Hear(me); compensated = compensated | bit(i) } \
  :: atomic { WhoDid(i) == me && (running & bit(i)) && ph[me] == Compensating -> \
      running = running & ~bit(i); \
      settled = settled | bit(i); \
      Written(dies); \
      if :: dies -> Forget(me) :: else -> compensated = compensated | bit(i) fi; \
      dies = false }

inline Forget(a) {
  if
  :: a == 0 -> running = running & ~A0
  :: a == 1 -> running = running & ~A1
  :: a == 2 -> running = running & ~(A2x | A2y)
  fi
}

inline Consume(consumed, producer, version, action) {
  assert(!((version) == 1 && (producer == 0 -> isUndone[0] : isUndone[1])));  /* S6 */
  consumed = version;
  if :: !isUndone[me] -> done = done | action :: else fi
}

proctype Agent(byte me) {
  byte estimate, e, under;
  bool dies;
end:
  do
  /* A message that has nothing else to say still raises the fence. */
  :: atomic { !over[me] && (anything(me) >> (ep[me] + 1)) > 0 -> ep[me]++; under = anything(me); Hear(me) }
  PREPARE_STEP(1) PREPARE_STEP(2) PREPARE_STEP(3) PREPARE_STEP(4)
  :: atomic { Falls(me) && Heeds(me, commitE) && ph[me] == Prepared ->
      under = commitE; Hear(me);
      assert(isDecided && undo[me] == promisedUndo[me]);  /* S4, S13, S14 */
      ph[me] = Compensating }
  COMPENSATE_STEP(0) COMPENSATE_STEP(1) COMPENSATE_STEP(2) COMPENSATE_STEP(3)
  :: atomic { Falls(me) && Heeds(me, restoreE) && ph[me] == Compensating ->
      under = restoreE; Hear(me);
      RollBack(me);
      Written(dies);
      if :: dies -> Forget(me) :: else -> restored = restored | bit(me) fi;
      dies = false }
  :: atomic { Falls(me) && Heeds(me, restoreE) && ph[me] == Restored && !(restored & bit(me)) -> under = restoreE; Hear(me); restored = restored | bit(me) }
  :: atomic { IsMember(me) && Heeds(me, releaseE) && (ph[me] == Restored || barredPlan[me] > 0) ->
      under = releaseE; Hear(me);
      assert(isEnded);                 /* R-DRV-3: everybody is back */
      dead[me] = UndoneFor(me);
      Released(me) }
  :: atomic { IsMember(me) && Heeds(me, abortE) && (ph[me] == Prepared || barredPlan[me] > 0) ->
      under = abortE; Hear(me);
      assert(phase == Aborted);        /* S13 */
      Released(me) }
  /* It dies in the midst of a compensation: what ran is not known to it any more. */
  :: atomic { crashes > 0 && ((me == 0 && (running & A0)) || (me == 1 && (running & A1)) || (me == 2 && (running & (A2x | A2y)))) -> crashes--; Forget(me) }
  :: atomic { LeaveThePromiseAlone && ph[me] == Prepared -> assert(phase == Aborted); Released(me) }

  /* Work. */
  :: atomic { me == 0 && ph[me] == Active && isUndone[0] && !redone -> redone = true }
  :: atomic { me == 1 && ph[me] == Active && c01 == 0 && !Bars(1, 0, 1) -> Consume(c01, 0, 1, A1); s12 = 1 + isUndone[1] }
  :: atomic { me == 1 && ph[me] == Active && c01 == 0 && redone && !Bars(1, 0, 2) -> Consume(c01, 0, 2, A1); s12 = 1 + isUndone[1] }
  :: atomic { me == 2 && ph[me] == Active && c02 == 0 && !Bars(2, 0, 1) -> Consume(c02, 0, 1, A2x) }
  :: atomic { me == 2 && ph[me] == Active && c02 == 0 && redone && !Bars(2, 0, 2) -> Consume(c02, 0, 2, A2x) }
  :: atomic { me == 2 && ph[me] == Active && c12 == 0 && (done & A1) && !Bars(2, 1, 1) ->
      if :: c02 == 0 && !isUndone[2] -> yFirst = true :: else fi;
      Consume(c12, 1, 1, A2y) }
  :: atomic { me == 2 && ph[me] == Active && c12 == 0 && s12 == 2 && !Bars(2, 1, 2) -> Consume(c12, 1, 2, A2y) }
  od
}

/* It is alive, nobody else has written, and what it says, it says under its own epoch. */
#define Drives (alive[me] && fresh[me] && (phase == Signalled || epochOf[me] == logEpoch))

/* ---- Coordinators. An append counts if nobody else has written: only a fresh one can take a step. It may die before what follows is sent. */

inline Gone(c) { knows[c] = false; fresh[c] = false; epochOf[c] = 0 }

inline Append() {
  fresh[1 - me] = false;
  fresh[me] = true;
  if
  :: isLost = false
  :: crashes > 0 -> crashes--; isLost = true; alive[me] = false; Gone(me)
  fi
}

inline SendPrepare(a) {
  content[at(a, asked[a])] = invalid[a] | ((suspects & bit(a)) -> 4 : 0);
  if :: !isLost -> prepare[at(a, asked[a])] = prepare[at(a, asked[a])] | bit(epochOf[me]) :: else fi
}

/* CompensationOrder over the traces of votes: the same order as S10 asks for, but of what is reported. Forward: what comes before must be settled. */
#define Waits(set) (undoAll & (set) & ~reported)
#define CanCompensate(i) ((undoAll & bit(i)) && !(reported & bit(i)) && (CompensateInForwardOrder -> \
  ((i) == 0 || ((i) == 1 && !Waits(A0)) || ((i) == 2 && !Waits(A0)) || ((i) == 3 && !Waits(A1))) : \
  (((i) == 0 && !Waits(A1 | A2x)) || ((i) == 1 && !Waits(A2y)) || ((i) == 2 && (yFirst || !Waits(A2y))) || ((i) == 3 && (!yFirst || !Waits(A2x))))))

inline SendCompensates() {
  if :: !isLost ->
    if :: CanCompensate(0) -> compensateE[0] = compensateE[0] | bit(epochOf[me]) :: else fi;
    if :: CanCompensate(1) -> compensateE[1] = compensateE[1] | bit(epochOf[me]) :: else fi;
    if :: CanCompensate(2) -> compensateE[2] = compensateE[2] | bit(epochOf[me]) :: else fi;
    if :: CanCompensate(3) -> compensateE[3] = compensateE[3] | bit(epochOf[me]) :: else fi
  :: else fi
}

/* What has been asked and not answered, under this epoch: after a take-over. */
inline Outstanding() {
  if
  :: isLost -> skip
  :: !isLost && phase == Preparing ->
    if :: IsMember(0) && !(hasVoted & 1) -> prepare[at(0, asked[0])] = prepare[at(0, asked[0])] | bit(epochOf[me]) :: else fi;
    if :: IsMember(1) && !(hasVoted & 2) -> prepare[at(1, asked[1])] = prepare[at(1, asked[1])] | bit(epochOf[me]) :: else fi;
    if :: IsMember(2) && !(hasVoted & 4) -> prepare[at(2, asked[2])] = prepare[at(2, asked[2])] | bit(epochOf[me]) :: else fi
  :: !isLost && phase == Compensating -> commitE = commitE | bit(epochOf[me]); SendCompensates()
  :: !isLost && phase == Restoring -> commitE = commitE | bit(epochOf[me]); restoreE = restoreE | bit(epochOf[me])
  :: !isLost && phase == Completed -> releaseE = releaseE | bit(epochOf[me])
  :: !isLost && phase == Aborted -> abortE = abortE | bit(epochOf[me])
  fi
}

inline Ask(toAsk) {
  if
  :: toAsk > 0 ->
    plan++;
    hasVoted = hasVoted & ~(toAsk);
    if :: (toAsk) & 1 -> asked[0] = plan; SendPrepare(0) :: else fi;
    if :: (toAsk) & 2 -> asked[1] = plan; SendPrepare(1) :: else fi;
    if :: (toAsk) & 4 -> asked[2] = plan; SendPrepare(2) :: else fi
  :: else
  fi
}

/* The set is closed when every member has answered for what it was last asked about. */
inline ForgetPlan(a) {
  old[a] = prepare[at(a, 1)] | prepare[at(a, 2)] | prepare[at(a, 3)] | prepare[at(a, 4)];
  ForgetPrepares(a);
  if :: asked[a] > 0 -> asked[a] = 1 :: else fi;
  if :: promisedPlan[a] > 0 -> promisedPlan[a] = 1 :: else fi;
  if :: barredPlan[a] > 0 -> barredPlan[a] = 1 :: else fi
}

inline ForgetPlans() { ForgetPlan(0); ForgetPlan(1); ForgetPlan(2); plan = 1; hasVoted = 0; suspects = 0 }

inline Close() {
  if
  :: (hasVoted == members || DecideBeforeAllVotes) && falls > 0 ->
    assert(!isDecided && !isEnded);    /* S13 */
    isDecided = true;
    /* S2: the line of what the journals say now. A vote's content is what the agent would undo. */
    assert(!(falls & 1) || !(done & A1) || c01 != 1 || isUndone[1] || (falls & 2));
    assert(!(falls & 1) || c02 != 1 || (undo[2] & A2x));
    assert(!(falls & 2) || c12 != 1 || (undo[2] & A2y));
    phase = Compensating;
    /* Everybody has answered the last it was asked: of the requests, only their epochs still count. */
    if :: !DecideBeforeAllVotes && !VoteBeforeItIsDurable -> ForgetPlans() :: else fi;
    if :: !isLost -> commitE = commitE | bit(epochOf[me]) :: else fi;
    SendCompensates()
  :: hasVoted == members && falls == 0 -> phase = Aborted; isEnded = true; if :: !isLost -> abortE = abortE | bit(epochOf[me]) :: else fi
  :: else
  fi
}

inline OnVoted(a) {
  hasVoted = hasVoted | bit(a);
  if
  :: vote[at(a, asked[a])] & 64 ->
    falls = falls | bit(a);
    undo[a] = vote[at(a, asked[a])] & 15;
    Append();
    toAsk = 0;
    if
    :: a == 0 ->
      if :: !(invalid[1] & 1) -> invalid[1] = invalid[1] | 1; toAsk = toAsk | 2 :: else fi;
      if :: !(invalid[2] & 1) -> invalid[2] = invalid[2] | 1; toAsk = toAsk | 4 :: else fi
    :: a == 1 ->
      if :: !(invalid[2] & 2) -> invalid[2] = invalid[2] | 2; toAsk = toAsk | 4 :: else fi
    :: else
    fi;
    Ask(toAsk);
    toAsk = 0
  :: else -> Append()
  fi;
  Close();
  isLost = false
}

/* Another signal: it opens the recovery, or joins it. */
inline OnSignalled(a) {
  signals--;
  suspects = suspects | bit(a);
  if :: phase == Signalled -> phase = Preparing; logEpoch = epochOf[me] :: else fi;
  Append();
  if :: !isLost -> knows[me] = PresumeAbortUnchecked :: else fi;
  Ask(bit(a));
  Close();
  isLost = false
}

#define VOTED_STEP(a) \
  :: atomic { Drives && phase == Preparing && IsMember(a) && !(hasVoted & bit(a)) && (vote[at(a, asked[a])] & 128) -> OnVoted(a) }

#define REPORTED_STEP(i) \
  :: atomic { Drives && phase == Compensating && (undoAll & bit(i)) && (compensated & bit(i)) && !(reported & bit(i)) -> \
      reported = reported | bit(i); \
      if :: !SkipTheEpochCheck && !CompensateAgain -> old[WhoDid(i)] = old[WhoDid(i)] | compensateE[i]; compensateE[i] = 0 :: else fi; \
      Append(); \
      if \
      :: reported == undoAll -> \
        phase = Restoring; \
        if :: !isLost -> restoreE = restoreE | bit(epochOf[me]); if :: ReleaseBeforeRestored -> releaseE = releaseE | bit(epochOf[me]) :: else fi :: else fi \
      :: else -> SendCompensates() \
      fi; \
      isLost = false }

#define RESTORED_STEP(a) \
  :: atomic { Drives && phase == Restoring && Falls(a) && (restored & bit(a)) && !(opened & bit(a)) -> \
      opened = opened | bit(a); \
      Append(); \
      if \
      :: opened == falls -> \
        assert(!isEnded);                                        /* S13 */ \
        isEnded = true; \
        assert((settled & undoAll) == undoAll);                  /* S8, S12 */ \
        assert(!(c01 == 1 && isUndone[0]) && !(c02 == 1 && isUndone[0]) && !(c12 == 1 && isUndone[1]));  /* S1 */ \
        phase = Completed; \
        old[0] = old[0] | (Falls(0) -> (commitE | restoreE) : 0); old[1] = old[1] | (Falls(1) -> (commitE | restoreE) : 0); \
        old[2] = old[2] | (Falls(2) -> (commitE | restoreE) : 0); commitE = 0; restoreE = 0; \
        if :: !isLost -> releaseE = releaseE | bit(epochOf[me]) :: else fi \
      :: else \
      fi; \
      isLost = false }

#define isAllOver ((phase == Completed || phase == Aborted) && (over[0] || !IsMember(0)) && (over[1] || !IsMember(1)) && (over[2] || !IsMember(2)))
#define isAnyPrepared (ph[0] == Prepared || ph[1] == Prepared || ph[2] == Prepared)

proctype Coordinator(byte me) {
  byte toAsk;
  bool isLost;
end:
  do
  :: atomic { Drives && signals > 0 && (phase == Signalled || phase == Preparing) && !(suspects & 1) -> OnSignalled(0) }
  :: atomic { Drives && signals > 0 && (phase == Signalled || phase == Preparing) && !(suspects & 2) && (done & A1) -> OnSignalled(1) }
  VOTED_STEP(0) VOTED_STEP(1) VOTED_STEP(2)
  REPORTED_STEP(0) REPORTED_STEP(1) REPORTED_STEP(2) REPORTED_STEP(3)
  RESTORED_STEP(0) RESTORED_STEP(1) RESTORED_STEP(2)
  /* Votes that do not come, or an operator who rejects: before the decision it may be aborted. */
  :: atomic { Drives && phase == Preparing && signals == 0 ->
      assert(!isDecided && !isEnded);  /* S13 */
      phase = Aborted; isEnded = true;
      Append();
      Outstanding();
      isLost = false }
  :: atomic { CommitBeforeItIsDurable && Drives && phase == Preparing && falls > 0 && crashes > 0 ->
      commitE = commitE | bit(epochOf[me]);
      crashes--; alive[me] = false; Gone(me) }

  /* Somebody else has written: it reads the log again, and takes over. Or it was restarted. Two that are alive do that only so often. */
  :: atomic { alive[me] && !fresh[me] && phase != Signalled && !isAllOver && !NeverResume && (takeOvers > 0 || !alive[1 - me]) ->
      if :: alive[1 - me] -> takeOvers-- :: else fi;
      knows[me] = PresumeAbortUnchecked;
      epochOf[me] = logEpoch + 1;
      logEpoch = epochOf[me];
      Append();
      Outstanding();
      isLost = false }
  :: atomic { !alive[me] && (!alive[1 - me] || takeOvers > 0) && phase != Completed && phase != Aborted -> alive[me] = true; fresh[me] = (phase == Signalled); epochOf[me] = 1 }
  :: atomic { !alive[me] && !alive[1 - me] && (phase == Completed || phase == Aborted) && !isAllOver -> alive[me] = true; epochOf[me] = 1 }
  :: atomic { alive[me] && crashes > 0 && !isAllOver -> crashes--; alive[me] = false; Gone(me) }

  /* A question about a recovery that it does not know: who does not know an open one is not fresh, and so does not answer. */
  :: atomic { PresumeAbortUnchecked && alive[me] && !knows[me] && !Has(abortE, epochOf[me]) && isAnyPrepared -> abortE = abortE | bit(epochOf[me]) }
  od
}

#ifdef CLOCK
/* Time goes on whatever the others do: without it a run that stands still would be a finite one, which the search for unfair cycles leaves out. */
bool tick;
proctype Clock() { do :: tick = false od }
#endif

init {
  atomic {
    done = A0;
    alive[0] = true; alive[1] = true;
    fresh[0] = true; fresh[1] = true;
    epochOf[0] = 1; epochOf[1] = 1;
    run Agent(0); run Agent(1); run Agent(2);
    run Coordinator(0); run Coordinator(1);
#ifdef CLOCK
    run Clock()
#endif
  }
}

#define isFree(a) (ph[a] == Active && barredPlan[a] == 0)

#define isQuiet ((phase == Signalled || phase == Completed || phase == Aborted) && isFree(0) && isFree(1) && isFree(2) \
  && c01 == 1 + isUndone[0] && c02 == 1 + isUndone[0] && c12 == s12 && s12 > 0)

/* L1, and S7: it ends, nobody stays bound, and every live message is consumed. */
ltl L1 { <>[] isQuiet }
