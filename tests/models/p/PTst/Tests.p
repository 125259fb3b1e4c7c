module Recovery = { Host, Network, ExecutionLog, Coordinator, Participant };

// The scopes: where the wiring is not varied, it is a diamond of three agents.
test param (mutant in [0], agentCount in [3], topology in [0, 1, 2], signalCount in [1], agentCrashMax in [1], coordinatorCrashMax in [0],
  lossMax in [1], copyMax in [1], failureMax in [0], policy in [0]) tcHolds_AgentDies [main=Host]:
  assert S1_NoOrphan, S2_Maximality, S4_LineMonotone, S5_Incarnations, S6_NoDeadMessage, S7_NoLostMessage, S8_CompensatedOnce, S10_Order, S12_ResidueStands, S13_OneDecision,
    S14_WriteAhead, S16_Fence, Epochs, L1_EveryRecoveryEnds in Recovery;

test param (mutant in [0], agentCount in [3], topology in [1], signalCount in [1], agentCrashMax in [0], coordinatorCrashMax in [2],
  lossMax in [1], copyMax in [1], failureMax in [0], policy in [0]) tcHolds_CoordinatorDies [main=Host]:
  assert S1_NoOrphan, S2_Maximality, S4_LineMonotone, S5_Incarnations, S6_NoDeadMessage, S7_NoLostMessage, S8_CompensatedOnce, S10_Order, S12_ResidueStands, S13_OneDecision,
    S14_WriteAhead, S16_Fence, Epochs, L1_EveryRecoveryEnds in Recovery;

test param (mutant in [0], agentCount in [3], topology in [1], signalCount in [1], agentCrashMax in [2], coordinatorCrashMax in [2],
  lossMax in [2], copyMax in [2], failureMax in [1], policy in [0, 1]) tcHolds_BothDie [main=Host]:
  assert S1_NoOrphan, S2_Maximality, S4_LineMonotone, S5_Incarnations, S6_NoDeadMessage, S7_NoLostMessage, S8_CompensatedOnce, S10_Order, S12_ResidueStands, S13_OneDecision,
    S14_WriteAhead, S16_Fence, Epochs, L1_EveryRecoveryEnds in Recovery;

test param (mutant in [0], agentCount in [3], topology in [1, 2], signalCount in [2], agentCrashMax in [0], coordinatorCrashMax in [0],
  lossMax in [2], copyMax in [2], failureMax in [0], policy in [0]) tcHolds_Overlap [main=Host]:
  assert S1_NoOrphan, S2_Maximality, S4_LineMonotone, S5_Incarnations, S6_NoDeadMessage, S7_NoLostMessage, S8_CompensatedOnce, S10_Order, S12_ResidueStands, S13_OneDecision,
    S14_WriteAhead, S16_Fence, Epochs, L1_EveryRecoveryEnds in Recovery;

// Compensations that fail, asked for again by copies, by time that passes, and by operators.
test param (mutant in [0], agentCount in [3], topology in [1], signalCount in [1], agentCrashMax in [1], coordinatorCrashMax in [1], lossMax in [1], copyMax in [2],
  failureMax in [3], policy in [0, 1]) tcHolds_Failing [main=Host]:
  assert S1_NoOrphan, S2_Maximality, S4_LineMonotone, S5_Incarnations, S6_NoDeadMessage, S7_NoLostMessage, S8_CompensatedOnce, S10_Order, S12_ResidueStands, S13_OneDecision,
    S14_WriteAhead, S16_Fence, Epochs, L1_EveryRecoveryEnds in Recovery;

test param (mutant in [0], agentCount in [3], topology in [1], signalCount in [2], agentCrashMax in [2], coordinatorCrashMax in [2],
  lossMax in [2], copyMax in [2], failureMax in [1], policy in [1, 2, 3]) tcHolds_Everything [main=Host]:
  assert S1_NoOrphan, S2_Maximality, S4_LineMonotone, S5_Incarnations, S6_NoDeadMessage, S7_NoLostMessage, S8_CompensatedOnce, S10_Order, S12_ResidueStands, S13_OneDecision,
    S14_WriteAhead, S16_Fence, Epochs, L1_EveryRecoveryEnds in Recovery;

test param (mutant in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17], agentCount in [3], topology in [1], signalCount in [2], agentCrashMax in [1],
  coordinatorCrashMax in [2], lossMax in [2], copyMax in [2], failureMax in [0], policy in [0]) tcMutant [main=Host]:
  assert S1_NoOrphan, S2_Maximality, S4_LineMonotone, S5_Incarnations, S6_NoDeadMessage, S7_NoLostMessage, S8_CompensatedOnce, S10_Order, S13_OneDecision,
    S14_WriteAhead, S16_Fence, Epochs, L1_EveryRecoveryEnds in Recovery;

// Busy needs a second recovery while the word of the first one's end is under way: more signals, more losses, and nothing else.
test param (mutant in [14], agentCount in [3], topology in [1], signalCount in [3], agentCrashMax in [0], coordinatorCrashMax in [0], lossMax in [6], copyMax in [0],
  failureMax in [0], policy in [0]) tcMutantBusy [main=Host]: assert S1_NoOrphan, S2_Maximality, S6_NoDeadMessage, L1_EveryRecoveryEnds in Recovery;

// Who writes last dies, and the other one has nothing to write: fewer of everything else, so that it comes soon.
test param (mutant in [18], agentCount in [3], topology in [1], signalCount in [1], agentCrashMax in [0], coordinatorCrashMax in [2], lossMax in [0], copyMax in [0],
  failureMax in [0], policy in [0]) tcMutantLook [main=Host]: assert L1_EveryRecoveryEnds in Recovery;

// What failed is run again only where compensations fail, and more often than once: asked for by copies, or by an operator.
test param (mutant in [19], agentCount in [3], topology in [1], signalCount in [1], agentCrashMax in [0], coordinatorCrashMax in [0], lossMax in [1], copyMax in [2],
  failureMax in [2], policy in [0]) tcMutantAgain [main=Host]: assert S12_ResidueStands in Recovery;

test param (mutant in [20], agentCount in [3], topology in [1], signalCount in [1], agentCrashMax in [0], coordinatorCrashMax in [0], lossMax in [0], copyMax in [0],
  failureMax in [2], policy in [1]) tcMutantTry [main=Host]: assert L1_EveryRecoveryEnds in Recovery;
