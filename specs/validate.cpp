#include "ringfort/specs/validate.hpp"
namespace ringfort::specs {
Problems validate(const Deployment&, const PositionMap&) { return {}; }
}  // namespace ringfort::specs
