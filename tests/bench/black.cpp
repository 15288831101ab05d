// The kernel `black_greeks` and what it calls, operation for operation: the rival of the benchmark.
// g++ -O3 -march=native -ffp-contract=off -fno-math-errno -fno-trapping-math -shared -fPIC
#include <cmath>
#include <cstdint>
#include <cstring>

static inline double fma_(double a, double b, double c) { return __builtin_fma(a, b, c); }
static inline int64_t bits(double x) { int64_t n; std::memcpy(&n, &x, 8); return n; }
static inline double real(int64_t n) { double x; std::memcpy(&x, &n, 8); return x; }

template <int N> static inline double horner(const double (&c)[N], double x) {
    double p = c[0];
#pragma GCC unroll 16
    for (int k = 1; k < N; ++k) p = fma_(p, x, c[k]);
    return p;
}

static constexpr double EXP_MAX = 709.0, EXP_MIN = -708.0, LOG2E = 1.4426950408889634;
static constexpr double LN2_HIGH = 0.6931471803691238, LN2_LOW = 1.9082149292705877e-10;
static constexpr double SHIFT = 1.5 * 4503599627370496.0 + 1023.0;
static constexpr double INV_SQRT_2PI = 0.3989422804014327, MILLS_END = 39.0;
static constexpr double TOTAL_MIN = 1e-150, TOTAL_MAX = 1e3, RATIO_MAX = 1e290;

static constexpr double EXP[] = {
    1.6059043836821613e-10, 2.08767569878681e-09, 2.505210838544172e-08, 2.755731922398589e-07,
    2.7557319223985893e-06, 2.48015873015873e-05, 0.0001984126984126984, 0.001388888888888889,
    0.008333333333333333, 0.041666666666666664, 0.16666666666666666, 0.5, 1.0, 1.0};
static constexpr double LOG[] = {
    0.047619047619047616, 0.05263157894736842, 0.058823529411764705, 0.06666666666666667,
    0.07692307692307693, 0.09090909090909091, 0.1111111111111111, 0.14285714285714285, 0.2,
    0.3333333333333333};
static constexpr double UPPER[] = {
    3.4746387708664199783e-6, 0.000093409133511595123305, 0.0012295872333623173137,
    0.010252402280931991271, 0.059222048611116050325, 0.24492651463755110418,
    0.72531690764725516641, 1.4891469453937545258, 1.9423850029535639914,
    1.2533141373155001876};
static constexpr double LOWER[] = {
    3.4746387708767063652e-6, 0.0000934091335094647734, 0.0012330618723321083465,
    0.010345811403274347044, 0.060444686991768765961, 0.25499208694893021206,
    0.78211477199985302074, 1.7144987859118669995, 2.5613478272948207525,
    2.3476835657945320544, 1.0};

static inline double exp_(double x) {
    double held = x > EXP_MIN ? x : EXP_MIN;
    held = held < EXP_MAX ? held : EXP_MAX;
    double t = fma_(held, LOG2E, SHIFT);
    double n = t - SHIFT;
    double r = fma_(-n, LN2_HIGH, held);
    r = fma_(-n, LN2_LOW, r);
    double scaled = horner(EXP, r) * real(int64_t(uint64_t(bits(t)) << 52));
    return x < EXP_MIN ? 0.0 : scaled;
}

static inline double log_(double x) {
    const int64_t half_root = 0x3FE6A09E667F3BCD, bias = int64_t(1024) << 52;
    int64_t n = bits(x);
    int64_t biased = int64_t(uint64_t(n - half_root + bias) >> 52);
    double m = real(n - int64_t(uint64_t(biased) << 52) + bias);
    double f = m - 1.0, s = f / (2.0 + f), z = s * s;
    double tail = s * (f - 2.0 * z * horner(LOG, z));
    double e = real(biased + 0x4330000000000000) - (4503599627370496.0 + 1024.0);
    return fma_(e, LN2_HIGH, f - (tail - e * LN2_LOW));
}

static inline double mills(double a) { return horner(UPPER, a) / horner(LOWER, a); }
static inline double below(double x, double tail) { return x < 0.0 ? tail : 1.0 - tail; }

extern "C" void black_greeks(
    int64_t size, const double* __restrict c, const double* __restrict F,
    const double* __restrict K, const double* __restrict T, const double* __restrict vol,
    const double* __restrict R, double* __restrict price, double* __restrict delta,
    double* __restrict gamma, double* __restrict vega, double* __restrict theta) {
#pragma GCC ivdep
    for (int64_t k = 0; k < size; ++k) {
        double total = F[k] + K[k] + T[k] + vol[k] + R[k];
        bool has_price = (total - total == 0.0) & (c[k] * c[k] == 1.0) & (F[k] > 0.0) &
                         (K[k] > 0.0) & (T[k] >= 0.0) & (vol[k] >= 0.0) &
                         (-R[k] * T[k] <= EXP_MAX);
        double bad = has_price ? 0.0 : __builtin_nan("");
        double discount = exp_(-R[k] * T[k]) + bad;

        double root = std::sqrt(T[k] > 0.0 ? T[k] : 0.0);
        double s = vol[k] * root;
        s = s < TOTAL_MIN ? TOTAL_MIN : s;
        s = s > TOTAL_MAX ? TOTAL_MAX : s;
        double inverse = 1.0 / s;
        double ratio = F[k] / K[k];
        ratio = ratio > RATIO_MAX ? RATIO_MAX : ratio;
        ratio = ratio < 1.0 / RATIO_MAX ? 1.0 / RATIO_MAX : ratio;
        double d1 = fma_(log_(ratio), inverse, 0.5 * s), d2 = d1 - s;
        double a1 = std::fabs(d1), a2 = std::fabs(d2);
        bool is_first = a1 < a2;
        double a = is_first ? a1 : a2;
        a = a > MILLS_END ? MILLS_END : a;
        double e = INV_SQRT_2PI * exp_(-0.5 * a * a);
        double density1 = is_first ? e : e / ratio;
        double density2 = is_first ? e * ratio : e;
        a1 = a1 > MILLS_END ? MILLS_END : a1;
        a2 = a2 > MILLS_END ? MILLS_END : a2;
        double tail1 = density1 * mills(a1), tail2 = density2 * mills(a2);

        double density = density1 * discount;
        double out = F[k] < K[k] ? 1.0 : -1.0;
        double rest = out * fma_(F[k], below(out * d1, tail1), -K[k] * below(out * d2, tail2));
        double intrinsic = c[k] * (F[k] - K[k]);
        double value = discount * ((intrinsic > 0.0 ? intrinsic : 0.0) + (rest > 0.0 ? rest : 0.0));
        price[k] = value;
        delta[k] = discount * c[k] * below(c[k] * d1, tail1);
        gamma[k] = density * inverse / F[k];
        vega[k] = density * F[k] * root;
        theta[k] = fma_(R[k], value, -0.5 * density * F[k] * vol[k] * vol[k] * inverse);
    }
}
