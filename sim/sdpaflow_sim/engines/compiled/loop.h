// What a Driver does in every cycle, around a design compiled by Verilator.
//
// Included by a file of the design's own (see cpp.py), which defines Vtop and, in namespace
// design, constants of its ports and of where each observation is. The structures below are those
// of structs.py.

#include <cstdint>
#include <cstring>

struct Source {
    const uint32_t* tokens;   // words of the first token of a row
    const int64_t* lengths;   // tokens of each row; all rows start with the same token
    int64_t rows;             // that are left
    int64_t place;            // of the next token within its row
    int64_t close;            // bit that is set in the last token of a row, or -1
    const uint8_t* schedule;  // for each cycle at hand; null: always
    int32_t ended;            // no more rows will come
    int32_t offering;
};

struct Sink {
    uint32_t* tokens;  // accepted in this call
    int64_t* times;
    int64_t count;     // accepted in all
    int64_t wanted;    // -1: unknown
    const uint8_t* schedule;
    int64_t filled;    // tokens of this call
};

struct Run {
    int64_t cycle, start, limit, still, quiet, patience, cycles, words;
    uint64_t awaited;
    int64_t counted;   // whether tokens are counted: otherwise it ends at the limit
    int64_t place;     // of what was found: a source, an event, a bit of `broken`
    int64_t* peaks;
    int64_t* flags;        // how often the cause of each flag that is counted happened
    uint32_t* fill;
    int64_t filled, room;
    int64_t asked;         // FIFOs whose level is recorded
    const int64_t* which;  // their numbers
    uint32_t* histories;   // of one after another, `room` cycles each
    uint64_t levels[design::LEVEL_WORDS + 1];
};

enum { RUNNING, FEED, DONE, STUCK, LIMIT, MISFRAMED, BROKEN };

namespace {

// Verilator's eval(), without what it does for designs that print or have threads: a tenth of the
// time of a small one. Waveforms need all of it.
inline void step(Model& model) {
#if VM_TRACE
    model.top.eval();
#else
    Vtop___024root___eval(model.top.rootp);
#endif
}

inline void put(const Stream& stream, const uint32_t* words) {
    switch (stream.bytes) {
    case 1: *static_cast<uint8_t*>(stream.payload) = static_cast<uint8_t>(*words); break;
    case 2: *static_cast<uint16_t*>(stream.payload) = static_cast<uint16_t>(*words); break;
    default: std::memcpy(stream.payload, words, stream.bytes);
    }
}

inline void get(const Stream& stream, uint32_t* words) {
    if (stream.bytes < 4) *words = 0;
    std::memcpy(words, stream.payload, stream.bytes);
}

inline void offer(const Stream& stream, Source& source) {
    const uint32_t* token = source.tokens + source.place * stream.words;
    const bool last = source.place + 1 == *source.lengths;
    if (last && source.close >= 0) {
        uint32_t closing[design::MOST_WORDS];
        std::memcpy(closing, token, 4 * stream.words);
        closing[source.close / 32] |= uint32_t{1} << source.close % 32;
        put(stream, closing);
    } else {
        put(stream, token);
    }
    if (last) {
        source.place = 0;
        ++source.lengths;
        --source.rows;
    } else {
        ++source.place;
    }
}

// How full a FIFO was when its level changed last.
inline int64_t level_of(const Run& r, int64_t n) {
    using design::LEVELS;
    return r.levels[LEVELS[n].word] >> LEVELS[n].bit & LEVELS[n].mask;
}

// Run until a cycle of the schedules at hand, as long as nothing is to be reported.
int run(Model& model, Run& r, Source* sources, Sink* sinks, int64_t now, int64_t end) {
    using namespace design;
    constexpr uint64_t ALL = PORTS < 64 ? (uint64_t{1} << PORTS) - 1 : ~uint64_t{0};
    Streams s(model.top);
    for (; now < end; ++now) {
        uint64_t unwilling = 0;
#pragma GCC unroll 8
        for (int n = 0; n < SOURCES; ++n) {
            Source& source = sources[n];
            if (source.offering) continue;
            const bool go = !source.schedule || source.schedule[now];
            const bool has = go && source.rows > 0;
            if (go && !has && !source.ended) {
                r.place = n;
                return FEED;  // before anything was done in this cycle that cannot be done twice
            }
            if (has) offer(s.in[n], source);
            source.offering = has;
            *s.in[n].valid = has;
            if (!go) unwilling |= uint64_t{1} << n;
        }
#pragma GCC unroll 8
        for (int n = 0; n < SINKS; ++n) {
            const bool go = !sinks[n].schedule || sinks[n].schedule[now];
            *s.out[n].ready = go;
            if (!go) unwilling |= uint64_t{1} << (SOURCES + n);
        }
        model.dump.begin(model.top, r.cycle);
        model.top.clk = 0;
        step(model);
        model.dump.middle(r.cycle);

        for (int n = 0; n < BROKEN_WORDS; ++n)
            if (const uint64_t found = *s.broken[n]) {
                r.place = 64 * n + __builtin_ctzll(found);
                return BROKEN;
            }
        bool moved = false;
#pragma GCC unroll 8
        for (int n = 0; n < SOURCES; ++n)
            if (sources[n].offering && *s.in[n].ready) {
                sources[n].offering = 0;
                moved = true;
            }
        if (moved && r.start < 0) r.start = r.cycle;
        bool done = r.counted;
#pragma GCC unroll 8
        for (int n = 0; n < SINKS; ++n) {
            Sink& sink = sinks[n];
            if (*s.out[n].ready && *s.out[n].valid) {
                moved = true;
                if (r.start < 0) r.start = r.cycle;
                if (r.counted && sink.count != sink.wanted) {
                    get(s.out[n], sink.tokens + sink.filled * s.out[n].words);
                    sink.times[sink.filled++] = r.cycle - r.start;
                    ++sink.count;
                    r.cycles = r.cycle - r.start + 1;
                }
            }
            done = done && sink.count == sink.wanted;
        }
        for (int n = 0; n < EVENT_WORDS; ++n)
            for (uint64_t found = *s.events[n]; found; found &= found - 1) {
                const int event = 64 * n + __builtin_ctzll(found);
                if (COUNTED[event] < 0) {
                    r.place = event;
                    return MISFRAMED;
                }
                ++r.flags[COUNTED[event]];
            }
        bool changed = false;
        for (int n = 0; n < LEVEL_WORDS; ++n) {
            changed = changed || *s.levels[n] != r.levels[n];
            r.levels[n] = *s.levels[n];
        }
        if (changed) {
            moved = true;
            int64_t words = 0;
#pragma GCC unroll 64
            for (int n = 0; n < FIFOS; ++n) {
                const int64_t level = level_of(r, n);
                if (level > r.peaks[n]) r.peaks[n] = level;
                words += level;
            }
            r.words = words;
        }
        if (r.start >= 0 && r.filled < r.room) {
            for (int64_t n = 0; n < r.asked; ++n)
                r.histories[n * r.room + r.filled] = level_of(r, r.which[n]);
            r.fill[r.filled++] = r.words;
        }

        model.top.clk = 1;
        step(model);
        ++r.cycle;
        if (done) return DONE;
        r.awaited &= unwilling;
        if (moved) {
            r.still = r.cycle;
            r.quiet = 0;
            r.awaited = ALL;
        } else if (!r.awaited) {
            ++r.quiet;
            r.awaited = ALL;
        }
        if (r.counted && r.quiet > r.patience) return STUCK;
        if (r.cycle == r.limit) return LIMIT;
    }
    return RUNNING;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) void* sdpaflow_create() {
    Model* model = new Model;
    model->top.eval();  // the first one also initializes
    return model;
}

__attribute__((visibility("default"))) void sdpaflow_destroy(void* model) {
    delete static_cast<Model*>(model);
}

__attribute__((visibility("default"))) int
sdpaflow_run(void* model, Run* r, Source* sources, Sink* sinks, int64_t now, int64_t end) {
    return run(*static_cast<Model*>(model), *r, sources, sinks, now, end);
}

// Offer nothing, accept nothing, and reset.
__attribute__((visibility("default"))) void sdpaflow_reset(void* model) {
    Vtop& top = static_cast<Model*>(model)->top;
    Streams s(top);
    for (int n = 0; n < design::SOURCES; ++n) *s.in[n].valid = 0;
    for (int n = 0; n < design::SINKS; ++n) *s.out[n].ready = 0;
    for (const int clk : {0, 1}) {
        top.rst = 1;
        top.clk = clk;
        top.eval();
    }
    top.rst = 0;
}

// What a diagnosis asks for.
__attribute__((visibility("default"))) void sdpaflow_look(void* model, uint64_t* words) {
    Vtop& top = static_cast<Model*>(model)->top;
    Streams s(top);
    top.look = 1;
    top.eval();
    for (int n = 0; n < design::STATE_WORDS; ++n) words[n] = *s.state[n];
    top.look = 0;
    top.eval();
}

#if VM_TRACE
// Write a waveform of the cycles from `first` to `last`; before the first cycle.
__attribute__((visibility("default"))) void
sdpaflow_dump(void* model, const char* path, int64_t first, int64_t last) {
    Model& m = *static_cast<Model*>(model);
    m.dump.open(m.context, m.top, path, first, last);
}

// Finish it; the last cycle that it shows, or -1.
__attribute__((visibility("default"))) int64_t sdpaflow_dumped(void* model) {
    Model& m = *static_cast<Model*>(model);
    return m.dump.close(m.top);
}

// What the system had against writing it, or 0.
__attribute__((visibility("default"))) int sdpaflow_dump_error(void* model) {
    return static_cast<Model*>(model)->dump.error();
}
#endif
}
