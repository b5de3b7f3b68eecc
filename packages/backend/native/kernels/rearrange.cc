#include "rearrange.h"

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {
namespace {

constexpr int kMaxRank = 16;

struct Axis {
  int64_t size, from, to;
};

struct Layout {
  int rank;
  Axis axis[kMaxRank];
};

// Drops axes of size one and joins neighbours that lie together in both tensors.
Layout collapse(const int32_t* layout, int32_t rank) {
  Layout l{0, {}};
  for (int32_t d = 0; d < rank; ++d) {
    const Axis next{layout[d], layout[rank + d], layout[2 * rank + d]};
    if (next.size == 1) continue;
    if (l.rank > 0) {
      Axis& last = l.axis[l.rank - 1];
      if (last.from == next.from * next.size && last.to == next.to * next.size) {
        last = {last.size * next.size, next.from, next.to};
        continue;
      }
    }
    l.axis[l.rank++] = next;
  }
  return l;
}

void copy_row(const float* x, float* y, int64_t n) {
  if (n <= 32) {
    for (int64_t i = 0; i < n; ++i) y[i] = x[i];
  } else {
    __builtin_memcpy(y, x, static_cast<size_t>(n) * sizeof(float));
  }
}

// y[j * ldy + i] = x[i * ldx + j] for i < rows, j < columns: x read along j, y written along i.
void transpose_plane(const float* x, int64_t ldx, float* y, int64_t ldy, int64_t rows, int64_t columns) {
  for (int64_t j = 0; j < columns; j += kLanes) {
    const int64_t width = columns - j < kLanes ? columns - j : kLanes;
    for (int64_t i = 0; i < rows; i += kLanes) {
      const int64_t height = rows - i < kLanes ? rows - i : kLanes;
      if (width == kLanes && height == kLanes) {
        Vec block[kLanes];
        for (int64_t r = 0; r < kLanes; ++r) block[r] = load(x + (i + r) * ldx + j);
        transpose(block);
        for (int64_t r = 0; r < kLanes; ++r) store(y + (j + r) * ldy + i, block[r]);
      } else {
        for (int64_t r = 0; r < width; ++r) {
          for (int64_t c = 0; c < height; ++c) y[(j + r) * ldy + i + c] = x[(i + c) * ldx + j + r];
        }
      }
    }
  }
}

// The two innermost axes: a along which y is contiguous, b the other.
void plane(const float* x, float* y, const Axis& outer, const Axis& inner) {
  if (outer.from == 1 && inner.to == 1 && inner.from > 1) {
    return transpose_plane(x, inner.from, y, outer.to, inner.size, outer.size);
  }
  for (int64_t o = 0; o < outer.size; ++o) {
    const float* const from = x + o * outer.from;
    float* const to = y + o * outer.to;
    if (inner.from == 1 && inner.to == 1) {
      copy_row(from, to, inner.size);
    } else {
      for (int64_t i = 0; i < inner.size; ++i) to[i * inner.to] = from[i * inner.from];
    }
  }
}

}  // namespace

void copy_strided(const float* x, float* y, const int32_t* layout, int32_t rank, int64_t x_offset, int64_t y_offset) {
  Layout l = collapse(layout, rank);
  for (int d = 0; d < l.rank; ++d) {
    if (l.axis[d].size == 0) return;
  }
  x += x_offset;
  y += y_offset;
  while (l.rank < 2) {
    for (int d = l.rank; d > 0; --d) l.axis[d] = l.axis[d - 1];
    l.axis[0] = {1, 0, 0};
    ++l.rank;
  }
  // Where the last axis is not contiguous in x but another one is, that one becomes its neighbour: the two are then
  // transposed in squares.
  if (l.axis[l.rank - 1].from != 1) {
    for (int d = 0; d + 2 < l.rank; ++d) {
      if (l.axis[d].from != 1) continue;
      const Axis found = l.axis[d];
      for (int e = d; e + 2 < l.rank; ++e) l.axis[e] = l.axis[e + 1];
      l.axis[l.rank - 2] = found;
      break;
    }
  }
  const Axis inner = l.axis[l.rank - 1];
  Axis outer = l.axis[l.rank - 2];
  // Cut the plane too, in pieces of whole squares, so that one plane alone feeds all threads.
  constexpr int64_t kStrip = 64;
  const bool single = inner.from == 1 && inner.to == 1 && outer.size == 1;
  const int64_t strip = single ? 16384 : kStrip;
  const int64_t cut_size = single ? inner.size : outer.size;
  const int64_t strips = (cut_size + strip - 1) / strip;
  int64_t planes = 1;
  for (int d = 0; d + 2 < l.rank; ++d) planes *= l.axis[d].size;
  const int64_t work = single ? strip : strip * inner.size;
  parallel_for(planes * strips, 16384 / (work + 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      int64_t rest = t / strips, from = 0, to = 0;
      for (int d = l.rank - 3; d >= 0; --d) {
        const int64_t index = rest % l.axis[d].size;
        from += index * l.axis[d].from;
        to += index * l.axis[d].to;
        rest /= l.axis[d].size;
      }
      const int64_t first = t % strips * strip, count = cut_size - first < strip ? cut_size - first : strip;
      if (single) {
        copy_row(x + from + first, y + to + first, count);
      } else {
        plane(x + from + first * outer.from, y + to + first * outer.to, Axis{count, outer.from, outer.to}, inner);
      }
    }
  });
}

}  // namespace weft::WEFT_ISA
