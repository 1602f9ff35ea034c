-- Health of InstanceClaim for Argo CD. Follows kstatus: Stalled means that somebody must change something,
-- Reconciling that it goes on by itself, Ready that all is as wished.
local health = { status = "Progressing", message = "Waiting for the controller" }

if obj.metadata.deletionTimestamp ~= nil then
  health.message = "Being deleted"
  for _, condition in ipairs((obj.status or {}).conditions or {}) do
    if condition.type == "Ready" then
      health.message = "Being deleted: " .. condition.message
    end
  end
  return health
end

if obj.status == nil or obj.status.conditions == nil then
  return health
end
if obj.status.observedGeneration ~= nil and obj.status.observedGeneration ~= obj.metadata.generation then
  health.message = "The controller has not seen the latest change yet"
  return health
end

local ready = nil
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Stalled" and condition.status == "True" then
    return { status = "Degraded", message = condition.reason .. ": " .. condition.message }
  end
  if condition.type == "Ready" then
    ready = condition
  end
end
if ready == nil then
  return health
end

health.message = ready.message
if obj.status.phase == "Failed" then
  health.status = "Degraded"
  return health
end
if ready.status == "True" then
  health.status = "Healthy"
end
return health
