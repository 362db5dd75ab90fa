// What every layer needs: arithmetic modulo the integers' width, casts, tables, and numbers from
// outside. Right shifts of negative numbers are arithmetic, and conversions to narrower integers
// keep the low bits; every compiler does so, and C++20 demands it.
static_assert((-1 >> 1) == -1 && static_cast<std::int32_t>(UINT32_C(0xffffffff)) == -1, "two's complement");

template <class T> struct UnsignedOf;
template <> struct UnsignedOf<std::int32_t> { using type = std::uint32_t; };
template <> struct UnsignedOf<std::int64_t> { using type = std::uint64_t; };
@WIDE@template <class T> using Unsigned = typename UnsignedOf<T>::type;

template <class T> constexpr T add(T a, T b) { return static_cast<T>(static_cast<Unsigned<T>>(a) + static_cast<Unsigned<T>>(b)); }
template <class T> constexpr T subtract(T a, T b) { return static_cast<T>(static_cast<Unsigned<T>>(a) - static_cast<Unsigned<T>>(b)); }
template <class T> constexpr T multiply(T a, T b) { return static_cast<T>(static_cast<Unsigned<T>>(a) * static_cast<Unsigned<T>>(b)); }
template <class T> constexpr T shift_left(T x, int bits) { return static_cast<T>(static_cast<Unsigned<T>>(x) << bits); }
template <class T> constexpr T maximum(T a, T b) { return a < b ? b : a; }
template <class T> constexpr T minimum(T a, T b) { return b < a ? b : a; }

// To minus infinity, to zero; to nearest with half up, to zero, away from zero, down, to even.
enum class Rounding : std::uint8_t { TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV };

// What becomes of a rounded number that its type does not hold; KEEP where there is none, and ZERO
// where every number becomes 0.
enum class Overflow : std::uint8_t { KEEP, WRAP, SAT, SAT_ZERO, ZERO };

// A cast from one grid to a type on another: `down` bits are rounded away, or `up` bits appended.
template <class T> struct Cast {
  int down;
  Rounding rounding;
  int up;
  Overflow overflow;
  T low, high;        // The rounded numbers that the type holds, before bits are appended.
  T lowest, highest;  // What the others become where they saturate.
  int unused_bits;    // The bits of T above the type's.
  bool is_signed;
};

template <class T> constexpr T rounded(const Cast<T>& cast, T x) {
  if (cast.down == 0) return x;
  using U = Unsigned<T>;
  const T floor = x >> cast.down;
  const U rest = static_cast<U>(x) & ((static_cast<U>(1) << cast.down) - 1);
  const U half = static_cast<U>(1) << (cast.down - 1);
  bool up = false;
  switch (cast.rounding) {
    case Rounding::TRN: break;
    case Rounding::TRN_ZERO: up = x < 0 && rest != 0; break;
    case Rounding::RND: up = rest >= half; break;
    case Rounding::RND_ZERO: up = rest > half || (rest == half && x < 0); break;
    case Rounding::RND_INF: up = rest > half || (rest == half && x >= 0); break;
    case Rounding::RND_MIN_INF: up = rest > half; break;
    case Rounding::RND_CONV: up = rest > half || (rest == half && (floor & 1) != 0); break;
  }
  return static_cast<T>(floor + (up ? 1 : 0));
}

template <class T> constexpr T cast(const Cast<T>& cast, T exact) {
  using U = Unsigned<T>;
  const T x = rounded(cast, exact);
  const bool outside = x < cast.low || x > cast.high;
  switch (cast.overflow) {
    case Overflow::ZERO: return 0;
    case Overflow::WRAP: {
      const U bits = static_cast<U>(static_cast<U>(x) << (cast.up + cast.unused_bits));
      if (cast.is_signed) return static_cast<T>(bits) >> cast.unused_bits;
      return static_cast<T>(bits >> cast.unused_bits);
    }
    case Overflow::SAT:
      if (outside) return x < cast.low ? cast.lowest : cast.highest;
      break;
    case Overflow::SAT_ZERO:
      if (outside) return 0;
      break;
    case Overflow::KEEP: break;
  }
  return shift_left(x, cast.up);
}

// Which entry of a table x reads: cast((x * 2^up - origin) * scale) + offset, from 0 to last.
template <class T> struct Index {
  int up;
  T origin, scale;
  Cast<T> integer;
  T offset, last;
};

template <class T, class E> constexpr T lookup(const Index<T>& index, const E* entries, T x) {
  const T product = multiply(subtract(shift_left(x, index.up), index.origin), index.scale);
  const T place = add(cast(index.integer, product), index.offset);
  return static_cast<T>(entries[minimum(maximum(place, static_cast<T>(0)), index.last)]);
}

// Where the format's integers of a port lie, and their grid, of each element or one for all.
struct Element {
  std::int64_t lowest;
  std::uint64_t highest;
  int fraction_bits;
};

// The type that numbers are cast to, of each element of an input or one for all.
struct InputType {
  int width, fraction_bits;
  bool is_signed;
  Rounding rounding;
  Overflow overflow;
  std::int64_t lowest;
  std::uint64_t highest;
};

// The mantissa of a number in a type: bits of 64, of which unsigned types may use the last.
inline std::int64_t mantissa_of(const InputType& type, double number) {
  if (!std::isfinite(number)) throw std::invalid_argument("an input is not a finite number");
  int exponent = 0;
  // Exact: a double has 53 bits.
  std::int64_t x = static_cast<std::int64_t>(std::ldexp(std::frexp(number, &exponent), 53));
  if (x == 0 || type.width == 0) return 0;
  const int dropped = 53 - exponent - type.fraction_bits;
  int up = 0;
  if (dropped > 0) {
    // Beyond 62 bits, the rest is on the same side of one half.
    x = rounded(Cast<std::int64_t>{dropped < 62 ? dropped : 62, type.rounding, 0, Overflow::KEEP, 0, 0, 0, 0, 0, true}, x);
  } else {
    up = -dropped;
  }
  const std::uint64_t magnitude = x < 0 ? UINT64_C(0) - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x);
  const std::uint64_t limit = x < 0 ? UINT64_C(0) - static_cast<std::uint64_t>(type.lowest) : type.highest;
  const std::uint64_t shifted = up < 64 ? static_cast<std::uint64_t>(x) << up : 0;
  if (magnitude <= (up < 64 ? limit >> up : 0)) return static_cast<std::int64_t>(shifted);
  switch (type.overflow) {
    case Overflow::SAT: return x < 0 ? type.lowest : static_cast<std::int64_t>(type.highest);
    case Overflow::WRAP: {
      const int unused = 64 - type.width;
      const std::uint64_t bits = shifted << unused;
      return type.is_signed ? static_cast<std::int64_t>(bits) >> unused : static_cast<std::int64_t>(bits >> unused);
    }
    default: return 0;
  }
}

// Whether an integer is one of an element's.
inline bool holds(const Element& element, std::int64_t x) {
  if (element.lowest >= 0 || x >= 0) return static_cast<std::uint64_t>(x) <= element.highest && static_cast<std::uint64_t>(x) >= static_cast<std::uint64_t>(element.lowest < 0 ? 0 : element.lowest);
  return x >= element.lowest;
}

// The number that an integer stands for; rounded where it has more than 53 bits.
inline double number_of(const Element& element, std::int64_t x) {
  const double mantissa = element.lowest < 0 ? static_cast<double>(x) : static_cast<double>(static_cast<std::uint64_t>(x));
  return std::ldexp(mantissa, -element.fraction_bits);
}

// Puts an integer into a tensor.
template <class S> void take(const Element& element, std::int64_t x, S& kept) {
  if (!holds(element, x)) throw std::invalid_argument("an input is not in its format");
  kept = element.lowest < 0 ? static_cast<S>(x) : static_cast<S>(static_cast<std::uint64_t>(x));
}
