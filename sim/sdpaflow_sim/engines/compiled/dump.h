// The waveform of a window of cycles, in designs built for one; in others, nothing.
//
// A cycle lasts from one rising edge of the clock to the next: cycle n from n - 1/2 to n + 1/2
// nanoseconds, as in the waveforms of Amaranth's simulator.

#if VM_TRACE

#include <cerrno>
#include "verilated_vcd_c.h"

// A file that remembers what went wrong with it; Verilator's own would end the process.
class File : public VerilatedVcdFile {
public:
    int error = 0;

    ssize_t write(const char* text, ssize_t length) override {
        if (error) return length;
        const ssize_t written = VerilatedVcdFile::write(text, length);
        if (written >= 0 || errno == EAGAIN || errno == EINTR) return written;
        error = errno;
        return length;
    }
};

class Dump {
    static constexpr int64_t HALF = 500;  // picoseconds of half a cycle
    static constexpr int DEEP = 99;       // levels of modules
    File file;
    VerilatedVcdC vcd{&file};
    int64_t first = 0, last = -1;
    int64_t shown = -1;  // the cycle that was shown last
    bool ended = true;   // and its end too

    void show(int64_t halves) { vcd.dump(static_cast<uint64_t>(halves * HALF)); }

public:
    int error() const { return file.error; }

    void open(VerilatedContext& context, Vtop& top, const char* path, int64_t from, int64_t to) {
        first = from;
        last = to;
        context.traceEverOn(true);
        top.trace(&vcd, 0);
        vcd.set_time_unit("1ps");
        vcd.set_time_resolution("1ps");
        vcd.dumpvars(DEEP, "bench.top.dut");  // and not what is around it to look into it
        vcd.open(path);
        if (!vcd.isOpen()) file.error = errno;
    }

    // The inputs are those of a cycle, and the clock is still up after the edge before it.
    void begin(Vtop& top, int64_t cycle) {
        if (cycle < first || cycle - 1 > last || cycle == 0) return;
        top.eval();
        show(2 * cycle - 1);
        ended = true;
    }

    // The clock is down.
    void middle(int64_t cycle) {
        if (cycle < first || cycle > last) return;
        show(2 * cycle);
        shown = cycle;
        ended = false;
    }

    // No more cycles; the last that was shown, or -1.
    int64_t close(Vtop& top) {
        if (!ended) {
            top.clk = 1;
            top.eval();
            show(2 * shown + 1);
            ended = true;
        }
        vcd.close();
        return shown;
    }
};

#else

struct Dump {
    static void begin(Vtop&, int64_t) {}
    static void middle(int64_t) {}
};

#endif
