using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;

namespace OrleansRecovery.Protocol.Tests.Ledger;

/// <summary>One ledger of some three hundred records with four keys, and what may happen to its file.</summary>
public sealed class LedgerTamperProperties : IClassFixture<LedgerTamperProperties.LongLedger>
{
    private readonly LongLedger _ledger;

    public LedgerTamperProperties(LongLedger ledger) => _ledger = ledger;

    [Fact]
    public void The_ledger_itself_is_sound()
    {
        Assert.InRange(_ledger.Lines.Count, 300, 400);
        Assert.Null(LedgerScribe.Verify(_ledger.Lines).Fault);
    }

    [Fact]
    public void Any_byte_that_is_changed_is_found_at_its_record() => Check(
        from position in Gen.Choose(0, _ledger.File.Length - 1)
        from change in Gen.Choose(1, 255)
        select (position, change),
        flip =>
        {
            var file = _ledger.File.ToArray();
            file[flip.position] ^= (byte)flip.change;
            var line = _ledger.File.AsSpan(0, flip.position).Count((byte)'\n');

            Assert.Equal(line, FaultOf(file)!.Line);
        });

    [Fact]
    public void Any_record_that_is_dropped_is_found_where_it_was() => Check(
        Gen.Choose(0, _ledger.Lines.Count - 2),
        dropped => Assert.Equal(dropped, FaultOf(_ledger.Lines.Where((_, index) => index != dropped))!.Line));

    [Fact]
    public void Any_record_that_is_written_twice_is_found() => Check(
        from doubled in Gen.Choose(0, _ledger.Lines.Count - 1)
        from later in Gen.Choose(doubled + 1, _ledger.Lines.Count)
        select (doubled, later),
        copy =>
        {
            var lines = _ledger.Lines.ToList();
            lines.Insert(copy.later, lines[copy.doubled]);

            var fault = FaultOf(lines)!;

            Assert.Equal((copy.later, LedgerFaultKind.Repeated), (fault.Line, fault.Kind));
        });

    [Fact]
    public void Any_two_records_that_change_places_are_found_at_the_first() => Check(
        from first in Gen.Choose(0, _ledger.Lines.Count - 2)
        from second in Gen.Choose(first + 1, _ledger.Lines.Count - 1)
        select (first, second),
        swap =>
        {
            var lines = _ledger.Lines.ToList();
            (lines[swap.first], lines[swap.second]) = (lines[swap.second], lines[swap.first]);

            Assert.Equal(swap.first, FaultOf(lines)!.Line);
        });

    [Fact]
    public void Any_end_that_is_cut_off_is_reported() => Check(
        Gen.Choose(0, _ledger.File.Length - 1),
        length =>
        {
            var cut = _ledger.File.AsSpan(0, length);
            var verifier = new LedgerVerifier(new LedgerTrust(KeptHead: _ledger.Head));

            Assert.False(verifier.CheckLines(cut));
            Assert.Equal((cut.Count((byte)'\n'), LedgerFaultKind.Truncated), (verifier.Fault!.Line, verifier.Fault.Kind));
        });

    [Fact]
    public void What_no_head_signs_is_counted_wherever_the_end_is_cut_off() => Check(
        Gen.Choose(0, _ledger.Lines.Count),
        count =>
        {
            var kept = _ledger.Lines.Take(count).ToList();
            var lastHead = kept.FindLastIndex(line => LedgerChain.Read(line).Kind == RecoveryRecordKind.Head);

            var verifier = LedgerScribe.Verify(kept);

            Assert.Null(verifier.Fault);
            Assert.Equal(count - lastHead - 1, verifier.UnsignedCount);
        });

    [Fact]
    public void A_record_reads_back_as_it_was_written() => Check(
        Gen.Choose(0, _ledger.Lines.Count - 1),
        index => Assert.Equal(_ledger.Lines[index], LedgerCodec.Write(LedgerChain.Read(_ledger.Lines[index]))));

    [Fact]
    public void No_line_makes_the_reader_or_the_verifier_throw()
    {
        var noise = Gen.Choose(0, 255).Select(value => (byte)value);
        var mutations =
            from index in Gen.Choose(0, _ledger.Lines.Count - 1)
            let line = _ledger.Lines[index]
            from start in Gen.Choose(0, line.Length - 1)
            from length in Gen.Choose(0, 12)
            from put in Gen.OneOf(Gen.ArrayOf(noise, 6), Gen.Elements("null", "{}", "[]", "\"", "\\ud800", "1e400", "-9223372036854775808", ",").Select(Encoding.ASCII.GetBytes))
            select (byte[])[.. line.Take(start), .. put, .. line.Skip(start + length)];

        Prop.ForAll(Gen.OneOf(Gen.ArrayOf(noise), mutations).ToArbitrary(), line =>
        {
            var isRead = LedgerCodec.TryRead(line, out var record, out var error);
            var verifier = new LedgerVerifier();
            verifier.Check(line);

            Assert.Equal(isRead, record is not null);
            Assert.Equal(isRead, error is null);
            Assert.True(error is null || error is { Cause.Length: > 0, Impact.Length: > 0, NextStep.Length: > 0 });
            Assert.True(error is null || error.Code is RecoveryErrorCode.BrokenLedger or RecoveryErrorCode.UnknownVersion);
            Assert.True(isRead || verifier.Fault is not null);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(10_000));
    }

    private static LedgerFault? FaultOf(byte[] file)
    {
        var verifier = new LedgerVerifier();
        verifier.CheckLines(file);
        return verifier.Fault;
    }

    private static LedgerFault? FaultOf(IEnumerable<byte[]> lines) => FaultOf(LedgerScribe.ToFile(lines));

    private static void Check<T>(Gen<T> gen, Action<T> body) =>
        Prop.ForAll(gen.ToArbitrary(), body).Check(Config.QuickThrowOnFailure.WithMaxTest(150));

    public sealed class LongLedger
    {
        public LongLedger()
        {
            using var scribe = new LedgerScribe();
            for (var recovery = 0; recovery < 40; recovery++)
            {
                scribe.Recover($"r{recovery}");
                if (recovery % 10 == 9 && recovery < 39)
                {
                    scribe.Rotate();
                }
            }

            (Lines, File, Head) = (scribe.Lines, scribe.File, scribe.Head);
        }

        public IReadOnlyList<byte[]> Lines { get; }

        public byte[] File { get; }

        public LedgerHead Head { get; }
    }
}
