// Which intervals fall, and what becomes of messages.

// S1: after a recovery no live interval depends on an undone one.
spec S1_NoOrphan observes eIntervalOpened, eMessageConsumed, eRolledBack, eEnded {
  var known: tHistories;
  var absent: set[int]; // given up, and not yet told so: they go back when they hear it

  start state Watching {
    on eIntervalOpened do (e: (agent: int, number: int, incarnation: int)) { known = Opened(known, e.agent, e.number); }
    on eMessageConsumed do (e: (agent: int, message: tMessageId, sentIn: int, required: bool)) {
      known = Consumed(known, e.agent, (message = e.message, sentIn = e.sentIn, required = e.required));
    }
    on eRolledBack do (e: (agent: int, recovery: int, target: int, incarnation: int, opens: int)) {
      known = GoneBack(known, e.agent, e.target, e.opens);
      absent -= (e.agent);
    }
    on eEnded do (e: (recovery: int, result: Phase, residue: set[tActionId], givenUp: set[int], nothing: bool)) {
      var agent: int;
      var work: tWork;
      var receipt: tReceipt;
      foreach (agent in e.givenUp) { absent += (agent); }
      foreach (agent in keys(known.live)) {
        foreach (work in known.live[agent]) {
          foreach (receipt in work.consumed) {
            assert agent in absent || !receipt.required || !IsUndone(known, receipt.message.sender, receipt.sentIn),
              format("S1: after recovery {0}, agent {1} depends in interval {2} on undone interval {3} of agent {4}",
                e.recovery, agent, work.number, receipt.sentIn, receipt.message.sender);
          }
        }
      }
    }
  }
}

// S2: the decided line is the greatest consistent one below the suspects, of what the journals say at the decision; and if there is nothing to undo, it is empty.
spec S2_Maximality observes eIntervalOpened, eMessageConsumed, eRolledBack, eJoined, eDecided, eEnded {
  var known: tHistories;
  var suspects: map[int, map[int, int]];

  start state Watching {
    on eIntervalOpened do (e: (agent: int, number: int, incarnation: int)) { known = Opened(known, e.agent, e.number); }
    on eMessageConsumed do (e: (agent: int, message: tMessageId, sentIn: int, required: bool)) {
      known = Consumed(known, e.agent, (message = e.message, sentIn = e.sentIn, required = e.required));
    }
    on eRolledBack do (e: (agent: int, recovery: int, target: int, incarnation: int, opens: int)) { known = GoneBack(known, e.agent, e.target, e.opens); }
    on eJoined do (e: (recovery: int, agent: int, number: int)) {
      if (!(e.recovery in suspects)) { suspects[e.recovery] = default(map[int, int]); }
      if (!IsUndone(known, e.agent, e.number) && (!(e.agent in suspects[e.recovery]) || e.number < suspects[e.recovery][e.agent])) {
        suspects[e.recovery][e.agent] = e.number;
      }
    }
    on eDecided do (e: (recovery: int, line: map[int, int])) {
      assert e.line == Line(known, suspects[e.recovery]),
        format("S2: recovery {0} decided {1}, and the line is {2}", e.recovery, e.line, Line(known, suspects[e.recovery]));
    }
    on eEnded do (e: (recovery: int, result: Phase, residue: set[tActionId], givenUp: set[int], nothing: bool)) {
      assert !e.nothing || !(e.recovery in suspects) || sizeof(Line(known, suspects[e.recovery])) == 0,
        format("S2: recovery {0} finds nothing to undo, and the line is {1}", e.recovery, Line(known, suspects[e.recovery]));
    }
  }
}

// S6: what an undone interval sent is not consumed any more.
spec S6_NoDeadMessage observes eIntervalOpened, eMessageConsumed, eRolledBack {
  var known: tHistories;

  start state Watching {
    on eIntervalOpened do (e: (agent: int, number: int, incarnation: int)) { known = Opened(known, e.agent, e.number); }
    on eMessageConsumed do (e: (agent: int, message: tMessageId, sentIn: int, required: bool)) {
      assert !IsUndone(known, e.message.sender, e.sentIn),
        format("S6: agent {0} consumes a message that agent {1} sent in interval {2}, which is undone", e.agent, e.message.sender, e.sentIn);
    }
    on eRolledBack do (e: (agent: int, recovery: int, target: int, incarnation: int, opens: int)) { known = GoneBack(known, e.agent, e.target, e.opens); }
  }
}

// S7: every live message is consumed, in the end, in one live interval of its receiver, unless that is out of service.
spec S7_NoLostMessage observes eIntervalOpened, eMessageConsumed, eMessageSent, eRolledBack, eReinstated {
  var known: tHistories;
  var consumed: set[(agent: int, message: tMessageId)]; // in live intervals
  var waiting: map[tMessageId, int];                    // live, and not consumed in a live interval: by receiver
  var outOfService: set[int];

  start cold state Settled {
    on eIntervalOpened do (e: (agent: int, number: int, incarnation: int)) { known = Opened(known, e.agent, e.number); }
    on eMessageSent do (e: (agent: int, position: int, receiver: int)) { OnSent(e); goto UnderWay; }
    on eRolledBack do (e: (agent: int, recovery: int, target: int, incarnation: int, opens: int)) { OnRolledBack(e); goto UnderWay; }
    on eMessageConsumed do OnConsumed;
    on eReinstated do OnReinstated;
  }

  hot state UnderWay {
    entry { Look(); }
    on eIntervalOpened do (e: (agent: int, number: int, incarnation: int)) { known = Opened(known, e.agent, e.number); }
    on eMessageSent do OnSent;
    on eRolledBack do (e: (agent: int, recovery: int, target: int, incarnation: int, opens: int)) { OnRolledBack(e); Look(); }
    on eMessageConsumed do (e: (agent: int, message: tMessageId, sentIn: int, required: bool)) { OnConsumed(e); Look(); }
    on eReinstated do (e: (agent: int, recovery: int, quarantined: bool)) { OnReinstated(e); Look(); }
  }

  fun OnSent(e: (agent: int, position: int, receiver: int)) {
    known = Sent(known, e.agent, e.position, e.receiver);
    waiting[(sender = e.agent, position = e.position)] = e.receiver;
  }

  fun OnConsumed(e: (agent: int, message: tMessageId, sentIn: int, required: bool)) {
    assert !((agent = e.agent, message = e.message) in consumed), format("S7: agent {0} consumes {1} twice", e.agent, e.message);
    known = Consumed(known, e.agent, (message = e.message, sentIn = e.sentIn, required = e.required));
    consumed += ((agent = e.agent, message = e.message));
    if (e.message in waiting) { waiting -= (e.message); }
  }

  // What the undone intervals sent is gone; what they consumed waits again, if it is live.
  fun OnRolledBack(e: (agent: int, recovery: int, target: int, incarnation: int, opens: int)) {
    var agent: int;
    var work: tWork;
    var receipt: tReceipt;
    var message: tMessageId;
    known = GoneBack(known, e.agent, e.target, e.opens);
    consumed = default(set[(agent: int, message: tMessageId)]);
    waiting = default(map[tMessageId, int]);
    foreach (agent in keys(known.live)) {
      foreach (work in known.live[agent]) {
        foreach (receipt in work.consumed) { consumed += ((agent = agent, message = receipt.message)); }
      }
    }
    foreach (agent in keys(known.live)) {
      foreach (work in known.live[agent]) {
        foreach (message in keys(work.outgoing)) {
          if (!((agent = work.outgoing[message], message = message) in consumed)) { waiting[message] = work.outgoing[message]; }
        }
      }
    }
  }

  fun OnReinstated(e: (agent: int, recovery: int, quarantined: bool)) { if (e.quarantined) { outOfService += (e.agent); } }

  fun Look() {
    var receiver: int;
    foreach (receiver in values(waiting)) {
      if (receiver >= 0 && !(receiver in outOfService)) { return; }
    }
    goto Settled;
  }
}
